// What a service can say by sd_notify(3), read line by line, and what is no message.
#include "daemon/notify/notice.hpp"

#include <doctest/doctest.h>

using namespace mi;
using namespace mi::daemon;
using namespace std::chrono_literals;

TEST_CASE("each key of a message is read") {
    Notice notice = read_notice("READY=1\nSTATUS=serving 3 requests\nMAINPID=4711\nWATCHDOG=1\nWATCHDOG_USEC=2500000\n"
                                "EXTEND_TIMEOUT_USEC=1500000\nNOTIFYACCESS=exec\nFDSTORE=1\nFDNAME=conn-3\nFDPOLL=0");
    CHECK(notice.ready);
    CHECK(notice.status == "serving 3 requests");
    CHECK(notice.main_pid == "4711");
    CHECK(notice.alive);
    CHECK_FALSE(notice.hung);
    CHECK(notice.watchdog == Span(2500ms));
    CHECK(notice.extend == Span(1500ms));
    CHECK(notice.heard == core::NotifyAccess::exec);
    CHECK(notice.keep);
    CHECK(notice.name == "conn-3");
    CHECK_FALSE(notice.polled);
    CHECK_FALSE(notice.reloading);
    CHECK_FALSE(notice.stopping);
    CHECK_FALSE(notice.give_up);
    CHECK_FALSE(notice.barrier);

    notice = read_notice("RELOADING=1\nMONOTONIC_USEC=123\nSTOPPING=1\nWATCHDOG=trigger\nFDSTOREREMOVE=1\nBARRIER=1\n");
    CHECK(notice.reloading);
    CHECK(notice.stopping);
    CHECK(notice.hung);
    CHECK_FALSE(notice.alive);
    CHECK(notice.give_up);
    CHECK(notice.barrier);
    CHECK(notice.name == "stored");
    CHECK(notice.polled);
    CHECK_FALSE(notice.ready);
}

TEST_CASE("an error is told in words, whichever way it comes") {
    CHECK(read_notice("ERRNO=2").trouble == "No such file or directory");
    CHECK(read_notice("ERRNO=123456").trouble == "error 123456");
    CHECK(read_notice("ERRNO=0").trouble == "");
    CHECK(read_notice("BUSERROR=org.freedesktop.DBus.Error.TimedOut").trouble == "org.freedesktop.DBus.Error.TimedOut");
    CHECK(read_notice("VARLINKERROR=org.varlink.service.InvalidParameter").trouble ==
          "org.varlink.service.InvalidParameter");
    CHECK_FALSE(read_notice("READY=1").trouble);
}

TEST_CASE("what is no key of ours, and what is no value, is passed over") {
    for (const char* text : {"", "\n\n", "=", "=1", "READY", "READY=", "READY=0", "READY=yes", "READY= 1", "ready=1",
                             "XREADY=1", "WATCHDOG=0", "WATCHDOG=2", "FDSTORE=0", "BARRIER=2", "X=READY=1"}) {
        CAPTURE(text);
        Notice notice = read_notice(text);
        CHECK_FALSE((notice.ready || notice.alive || notice.hung || notice.keep || notice.barrier ||
                     notice.status.has_value()));
    }
    CHECK_FALSE(read_notice("WATCHDOG_USEC=").watchdog);
    CHECK_FALSE(read_notice("WATCHDOG_USEC=-1").watchdog);
    CHECK_FALSE(read_notice("WATCHDOG_USEC=99999999999999999999").watchdog);
    CHECK(read_notice("WATCHDOG_USEC=0").watchdog == Span{0});
    CHECK(read_notice("WATCHDOG_USEC=18446744073709551615").watchdog == Span(24h)); // not past what a time can hold
    CHECK_FALSE(read_notice("NOTIFYACCESS=everybody").heard);
    CHECK(read_notice("READY=1\nREADY=0").ready == false);
    CHECK(read_notice("READY=1\r\n").ready == false);
    CHECK(read_notice(std::string("STATUS=a\0b", 10)).status == "a?b");
}

TEST_CASE("a name that LISTEN_FDNAMES cannot carry is none") {
    CHECK(read_notice("FDNAME=a:b").name == "stored");
    CHECK(read_notice("FDNAME=a b").name == "stored");
    CHECK(read_notice("FDNAME=").name == "stored");
    CHECK(read_notice("FDNAME=\x7f").name == "stored");
    CHECK(read_notice("FDNAME=" + std::string(256, 'x')).name == "stored");
    CHECK(read_notice("FDNAME=" + std::string(255, 'x')).name.size() == 255);
}

TEST_CASE("what a service says of itself is fit to be shown") {
    CHECK(short_text("a\033[31mb\tc\x7f") == "a?[31mb c?");
    CHECK(short_text(std::string(3000, 'x')).size() == 256);
    CHECK(short_text(std::string(255, 'x') + "\xc3\xa4") == std::string(255, 'x')); // no half a letter
    CHECK(short_text(std::string(254, 'x') + "\xc3\xa4y") == std::string(254, 'x') + "\xc3\xa4");
    CHECK(short_text(std::string(300, '\xa4')) == std::string(256, '?'));
}
