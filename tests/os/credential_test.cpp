// Credentials that the host of a virtual machine puts into SMBIOS.
#include "os/machine/credential.hpp"

#include <doctest/doctest.h>

using namespace mi::os;
using namespace std::string_literals;

namespace {

std::string structure(char type, const std::string& formatted, const std::string& strings) {
    const std::string head{type, static_cast<char>(4 + formatted.size()), 0, 0};
    return head + formatted + (strings.empty() ? "\0"s : strings) + "\0"s;
}

std::string found_in(const std::string& table) {
    std::string all;
    credentials_in_smbios(table, [&](std::string_view name, std::string_view value) {
        all.append(name).append("=").append(value).append(";");
    });
    return all;
}

const std::string end = structure(127, "", "");

} // namespace

TEST_CASE("strings of SMBIOS type 11 are credentials, those of other types and other strings are none") {
    const std::string bios = structure(0, "abcd", "io.systemd.credential:bios=no\0"s);
    const std::string oem = structure(11, "\4",
                                      "hello\0io.systemd.credential:db=a=b\0"
                                      "io.systemd.credential.binary:key=AAEC/w==\0io.systemd.credential:none\0"s);
    CHECK(found_in(bios + oem + structure(11, "\1", "io.systemd.credential:two=2\0"s) + end) ==
          "db=a=b;key=\0\1\2\xff;two=2;"s);
    CHECK(found_in(structure(1, "xxxx", "") + oem + end) == "db=a=b;key=\0\1\2\xff;"s);
    CHECK(found_in(structure(11, "\1", "io.systemd.credential.binary:key=%%\0"s) + end).empty());
    CHECK(found_in(end + oem).empty()); // what follows the end is no table
}

TEST_CASE("a table that is cut short anywhere, or nonsense, is read as far as it goes") {
    const std::string table =
        structure(0, "abcd", "x\0"s) + structure(11, "\1", "io.systemd.credential:db=secret\0"s) + end;
    CHECK(found_in(table) == "db=secret;");
    for (std::size_t size = 0; size < table.size(); ++size) {
        const std::string found = found_in(table.substr(0, size));
        CHECK((found.empty() || found == "db=secret;"));
    }
    CHECK(found_in(std::string(100, '\xff')).empty());
    CHECK(found_in(std::string(100, '\0')).empty());
    CHECK(found_in("\x0b\xff\0\0"s).empty());
}
