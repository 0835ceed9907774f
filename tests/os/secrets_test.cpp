// Secrets as files and variables: read by the child alone, given to its user alone, and refused in words that name the file.
#include "scene.hpp"

using namespace mi;
using namespace mi::os;

namespace {

constexpr uid_t nobody = 65534;

Plan with_credential(const Scratch& scratch, const std::string& path, const std::string& script) {
    Plan plan = shell_plan(script);
    plan.credentials = Credentials{
        .above = scratch.path(), .name = "web", .files = {{"key", path}}, .owner = ::geteuid(), .group = ::getegid()};
    return plan;
}

Plan with_variable(const std::string& path) {
    Plan plan = shell_plan("printf '[%s]' \"$KEY\"");
    plan.environment.set("KEY", "");
    plan.environment.set("AFTER", "1");
    plan.environment_from = {{"KEY", path}};
    return plan;
}

std::string refusal(const std::string& path) {
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    const std::string words = failure(spawner, with_credential(scratch, path, "true")).text();
    CHECK(failure(spawner, with_variable(path)).step == Step::environment_from);
    return words;
}

} // namespace

TEST_CASE("a credential is a file of mode 0400 in a directory of mode 0500, both of the service's user") {
    Scratch scratch;
    const std::string source = scratch.write("source", std::string("se\0cret\n", 8), 0600);
    for (Spawner::Image image : {Spawner::Image::sealed_memory, Spawner::Image::own_binary}) {
        Spawner spawner = *Spawner::make(std::chrono::milliseconds(2), image);
        const std::string dir = scratch / "web";
        Plan plan = with_credential(scratch, source,
                                    "stat -c '%a %u' " + dir + " " + dir + "/key; ls -A " + dir + "; od -An -c " + dir +
                                        "/key; umask");
        if (is_root()) {
            plan.user = plan.credentials->owner = nobody;
            plan.group = plan.credentials->group = nobody;
            plan.groups = std::vector<gid_t>{};
        }
        const std::string user = std::to_string(is_root() ? nobody : ::geteuid());
        CHECK(run(spawner, plan).output ==
              "500 " + user + "\n400 " + user + "\nkey\n   s   e  \\0   c   r   e   t  \\n\n0022\n");
        ::chmod(dir.c_str(), 0700);
        std::filesystem::remove_all(dir);
    }
}

TEST_CASE(
    "the first process of a run makes the directory; one that is half made is made complete, a whole one is left") {
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    const std::string dir = scratch / "web", source = scratch.write("source", "one");
    Plan plan = with_credential(scratch, source, "cat " + dir + "/key");
    ::mkdir(dir.c_str(), 0700);
    scratch.write("web/key", "torn");
    CHECK(run(spawner, plan).output == "one");
    scratch.write("source", "two");
    CHECK(run(spawner, plan).output == "one");
    std::filesystem::remove(source);
    CHECK(run(spawner, plan).output == "one");
}

TEST_CASE("a variable is what a file holds, without one newline at its end") {
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    for (const auto& [text, value] : {std::pair{"one two\n", "[one two]"},
                                      {"two\nlines\n\n", "[two\nlines\n]"},
                                      {"", "[]"},
                                      {"\n", "[]"},
                                      {"bare", "[bare]"}})
        CHECK(run(spawner, with_variable(scratch.write("source", text))).output == value);
    const std::string longest(128 * 1024 - 6, 'x'); // with KEY= and the end of the word
    CHECK(run(spawner, with_variable(scratch.write("source", longest + "\n"))).output.size() == longest.size() + 2);
    CHECK(failure(spawner, with_variable(scratch.write("source", longest + "xx"))).text() ==
          "read environment-from: Argument list too long (KEY from \"" + (scratch / "source") +
              "\", which is over 128 KiB, and so too long for a variable)");
    CHECK(failure(spawner, with_variable(scratch.write("source", std::string("a\0b", 3)))).text() ==
          "read environment-from: Invalid argument (KEY from \"" + (scratch / "source") +
              "\", which holds a zero byte)");
}

TEST_CASE("what is no file of at most 1 MiB fails the start, in words that name it and not what it holds") {
    Scratch scratch;
    const std::string path = scratch / "x";
    const std::string about = " (key from \"" + path + "\"";
    CHECK(refusal(path) == "give credential: No such file or directory" + about + ")");
    ::mkdir(path.c_str(), 0755);
    CHECK(refusal(path) == "give credential: Is a directory" + about + ")");
    ::rmdir(path.c_str());
    ::mkfifo(path.c_str(), 0600);
    CHECK(refusal(path) == "give credential: Operation not supported" + about + ", which is no regular file)");
    ::unlink(path.c_str());
    CHECK(refusal("/dev/null") ==
          "give credential: Operation not supported (key from \"/dev/null\", which is no regular file)");
    scratch.write("x", std::string((1 << 20) + 1, 'S'));
    CHECK(refusal(path) == "give credential: File too large" + about + ", which is over 1 MiB)");
    Spawner spawner = *Spawner::make();
    scratch.write("x", std::string(1 << 20, 'S'));
    CHECK(run(spawner, with_credential(scratch, path, "wc -c <" + (scratch / "web/key"))).output == "1048576\n");
}

TEST_CASE(
    "in a directory that others can write to no link of theirs is followed; one of root's, as Kubernetes makes, is") {
    if (!is_root())
        return;
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    scratch.write("hidden", "hidden");
    std::filesystem::create_directories(scratch / "volume/..2026");
    scratch.write("volume/..2026/key", "from the volume");
    ::chmod((scratch / "volume").c_str(), 01777);
    ::symlink("..2026", (scratch / "volume/..data").c_str());
    ::symlink("..data/key", (scratch / "volume/key").c_str());
    CHECK(run(spawner, with_variable(scratch / "volume/key")).output == "[from the volume]");
    ::symlink("../hidden", (scratch / "volume/theirs").c_str());
    REQUIRE(::lchown((scratch / "volume/theirs").c_str(), nobody, nobody) == 0);
    CHECK(failure(spawner, with_variable(scratch / "volume/theirs")).code == ELOOP);
    ::chmod((scratch / "volume").c_str(), 0777); // where anybody can exchange root's link, too
    CHECK(failure(spawner, with_variable(scratch / "volume/key")).code == ELOOP);
}
