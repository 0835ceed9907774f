// The addresses that `minictl check` and [health] take.
#include "base/check_url.hpp"

#include <doctest/doctest.h>

using namespace mi;

namespace {

std::string fault(const std::string& text) {
    auto url = parse_check_url(text);
    return url ? "" : url.error().what;
}

} // namespace

TEST_CASE("an address is taken apart") {
    const CheckUrl http = parse_check_url("http://127.0.0.1:8080/a?b=c#d").value();
    CHECK(http.kind == CheckUrl::Kind::http);
    CHECK(http.host == "127.0.0.1");
    CHECK(http.port == 8080);
    CHECK(http.path == "/a?b=c");
    CHECK(http.authority == "127.0.0.1:8080");
    const CheckUrl six = parse_check_url("http://[fe80::1]?x").value();
    CHECK(six.host == "fe80::1");
    CHECK(six.port == 80);
    CHECK(six.path == "/?x");
    CHECK(six.authority == "[fe80::1]");
    CHECK(parse_check_url("http://name")->path == "/");
    CHECK(parse_check_url("tcp://[::1]:5432")->port == 5432);
    CHECK(parse_check_url("unix:/run/x")->socket == "/run/x");
    CHECK(parse_check_url("unix:///run/x")->socket == "/run/x");
    CHECK(parse_check_url("unix:@name")->socket == "@name");
    const CheckUrl local = parse_check_url("unix+http:///run/x:/well?yes").value();
    CHECK(local.kind == CheckUrl::Kind::unix_http);
    CHECK(local.socket == "/run/x");
    CHECK(local.path == "/well?yes");
    CHECK(parse_check_url("unix+http:///run/x")->path == "/");
}

TEST_CASE("what is no address is told with a word") {
    CHECK(fault("https://x/").find("TLS") != std::string::npos);
    CHECK(fault("ftp://x/") == "\"ftp\" is not a known scheme");
    CHECK_FALSE(fault("127.0.0.1").empty());
    for (const char* text :
         {"http://", "http:///x", "http://x:0/", "http://x:70000/", "http://x:/", "http://::1/", "http://[::1/",
          "http://[x]/", "http://u:p@x/", "http://a b/", "http://x/\r\nHost: y", "tcp://x", "tcp://:80", "tcp://x:80/y",
          "unix:", "unix:x", "unix:/", "unix+http://x:/", ""}) {
        CAPTURE(text);
        CHECK_FALSE(fault(text).empty());
    }
    CHECK_FALSE(fault("unix:/" + std::string(107, 'x')).empty());
}
