// Users that are made up: each name has one number, and no two names have the same.
#include "os/process/dynamic_user.hpp"
#include "scene.hpp"

#include <cerrno>

using namespace mi;
using namespace mi::os;

TEST_CASE("a name gives the number of its user, which no other name gets") {
    Scratch scratch;
    const std::string directory = scratch / "users";
    const auto web = dynamic_user(directory, "web");
    REQUIRE(web);
    CHECK(*web >= first_dynamic_user);
    CHECK(*web <= last_dynamic_user);
    CHECK(dynamic_user(directory, "web") == web);
    CHECK(dynamic_user(scratch / "another", "web") == web); // at the next boot, too
    const auto mail = dynamic_user(directory, "mail");
    REQUIRE(mail);
    CHECK(*mail != *web);

    const std::string link = scratch / "another/" + std::to_string(*web);
    std::filesystem::remove(link);
    std::filesystem::create_symlink("first", link);
    const auto refused = dynamic_user(scratch / "another", "web");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == EBUSY);
    CHECK(refused.error().about == std::to_string(*web) + ", which is made up for first");
    CHECK_FALSE(dynamic_user("/proc/no/such", "web"));
}
