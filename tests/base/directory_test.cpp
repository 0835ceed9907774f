// Listing directories.
#include "base/directory.hpp"
#include "base/fd.hpp"

#include <doctest/doctest.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

using namespace mi;

namespace {

const std::vector<std::string> all{".a (hidden)", "b", "c/"};

// A directory with a file, a hidden file and a directory in it.
struct Place {
    std::string path = "/tmp/directory_test_XXXXXX";
    Place() {
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        for (const char* name : {"/b", "/.a"})
            REQUIRE(Fd(::open((path + name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
        REQUIRE(::mkdir((path + "/c").c_str(), 0700) == 0);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
        for (const char* name : {"/b", "/.a"})
            ::unlink((path + name).c_str());
        ::rmdir((path + "/c").c_str());
        ::rmdir(path.c_str());
    }
};

std::vector<std::string> names(const Result<std::vector<DirectoryEntry>>& entries) {
    REQUIRE(entries);
    std::vector<std::string> found;
    for (const DirectoryEntry& entry : *entries)
        found.push_back(entry.name + (entry.type == DT_DIR ? "/" : entry.hidden() ? " (hidden)" : ""));
    std::ranges::sort(found);
    return found;
}

} // namespace

TEST_CASE("a directory is listed by its path and by its descriptor, as often as one likes") {
    const Place place;
    CHECK(names(list_directory(place.path)) == all);
    for (int flags : {O_RDONLY, O_PATH}) {
        const Fd fd(::open(place.path.c_str(), flags | O_DIRECTORY | O_CLOEXEC));
        CHECK(names(list_directory(fd.get())) == all);
        CHECK(names(list_directory(fd.get())) == all);
        CHECK(::fcntl(fd.get(), F_GETFD) >= 0);
    }
}

TEST_CASE("what cannot be listed is a fault that names it") {
    const Place place;
    const auto missing = list_directory(place.path + "/d"), file = list_directory(place.path + "/b");
    REQUIRE(!missing);
    CHECK(missing.error() == Fault{ENOENT, "open", place.path + "/d"});
    REQUIRE(!file);
    CHECK(file.error().code == ENOTDIR);
    CHECK(list_directory(-1, "nothing").error() == Fault{EBADF, "open", "nothing"});
}
