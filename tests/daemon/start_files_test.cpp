// What a start asks of files, and what it makes of the answers: no file is touched here.
#include "config/load.hpp"
#include "daemon/start/start_files.hpp"

#include <doctest/doctest.h>

#include <cerrno>

using namespace mi;
using namespace mi::daemon;

namespace {

core::Unit unit_of(const std::string& toml) {
    config::Loaded loaded = config::read_bundle(toml, "test.toml", {});
    for (const config::Problem& problem : loaded.problems)
        FAIL(config::brief(problem));
    return std::move(loaded.units.front());
}

struct Start {
    explicit Start(const std::string& process, const std::string& command = "['tool']")
        : unit(unit_of("[units.a]\nservice.command = " + command + "\n[units.a.process]\n" + process)) {
        surroundings.settings = &settings;
        surroundings.refresh();
    }
    std::vector<os::PathQuestion> questions(const StartFiles* found = nullptr) {
        return questions_for_start(unit, unit.service.command, false, surroundings, found);
    }
    std::expected<StartAnswer, NoStart> answer(const os::PathAnswers& answers, const StartFiles* found = nullptr) {
        return files_for_start(unit, unit.service.command, answers, found);
    }
    core::Unit unit;
    core::ManagerSettings settings;
    Surroundings surroundings;
};

} // namespace

TEST_CASE("a start asks for its environment files in order, and then for its program") {
    Start start("environment-files = ['/etc/a', '-/etc/b']\nenvironment.PATH = '/opt/bin'\nroot-directory = '/jail'\n");
    auto questions = start.questions();
    REQUIRE(questions.size() == 4);
    CHECK(questions[0].path == "/etc/a");
    CHECK(questions[1].path == "/etc/b");
    CHECK(questions[2].kind == os::PathQuestion::Kind::exists);
    CHECK(questions[2].path == "/jail");
    CHECK(questions[3].kind == os::PathQuestion::Kind::program);
    CHECK(questions[3].path == "tool");
    CHECK(questions[3].text == "/opt/bin");
    CHECK(questions[3].root == "/jail");
}

TEST_CASE("a root directory that is missing is named, and not the program that is then missing too") {
    Start start("root-directory = '/jail'\n");
    CHECK(start.answer({{.code = ENOENT}, {.code = ENOENT}}).error().words ==
          "change root: No such file or directory (\"/jail\")");
    CHECK(start.answer({{}, {.code = ENOENT}}).error().words == "exec: find tool: No such file or directory");
}

TEST_CASE("a command that is a path is not looked for") {
    Start start("environment.A = '1'\n", "['/usr/bin/tool']");
    CHECK(start.questions().empty());
    auto answer = start.answer({});
    REQUIRE(answer);
    CHECK(answer->found.program == "/usr/bin/tool");
}

TEST_CASE("an environment file that sets PATH has the program looked for there, in a second round") {
    Start start("environment-files = ['/etc/a']\n");
    auto first = start.answer({{.text = "PATH=/opt/bin\nA=1\n"}, {.text = "/usr/bin/tool"}});
    REQUIRE(first);
    CHECK(first->again);
    auto questions = start.questions(&first->found);
    REQUIRE(questions.size() == 1);
    CHECK(questions[0].text == "/opt/bin");
    auto second = start.answer({{.text = "/opt/bin/tool"}}, &first->found);
    REQUIRE(second);
    CHECK_FALSE(second->again);
    CHECK(second->found.program == "/opt/bin/tool");
    CHECK(second->found.variables == Variables{{"PATH", "/opt/bin"}, {"A", "1"}});
}

TEST_CASE("PATH is that of the unit, else ours where it is passed on, else the manager's") {
    SUBCASE("of the unit") {
        Start start("environment.PATH = '/unit'\npass-environment = ['PATH']\n");
        start.surroundings.environment = {"PATH=/ours"};
        CHECK(start.questions()[0].text == "/unit");
    }
    SUBCASE("ours") {
        Start start("pass-environment = ['*']\n");
        start.surroundings.environment = {"PATH=/ours"};
        CHECK(start.questions()[0].text == "/ours");
    }
    SUBCASE("of the manager") {
        Start start("environment.A = '1'\n");
        start.surroundings.environment = {"PATH=/ours"};
        CHECK(start.questions()[0].text == start.settings.path);
    }
}

TEST_CASE("what is wrong with an environment file is said, and an optional one need not be there") {
    Start start("environment-files = ['-/etc/a']\n", "['/bin/tool']");
    CHECK(start.answer({{.code = ENOENT}}));
    CHECK(start.answer({{.code = EACCES}}).error().words == "environment file: open /etc/a: Permission denied");
    CHECK(start.answer({{.code = ENOTSUP}}).error().words == "environment file /etc/a: it is no regular file");
    CHECK(start.answer({{.code = ELOOP}}).error().words.find("is not followed") != std::string::npos);
    CHECK(start.answer({{.text = "A=1\nnonsense\n"}}).error().words.starts_with("environment file /etc/a:2: "));
    Start missing("environment-files = ['/etc/a']\n", "['/bin/tool']");
    CHECK(missing.answer({{.code = ENOENT}}).error().words ==
          "environment file: open /etc/a: No such file or directory");
}

TEST_CASE("a program that is not there, or may not be executed, is the failure of the start") {
    Start start("environment.A = '1'\n");
    CHECK(start.answer({{.code = ENOENT}}).error().words == "exec: find tool: No such file or directory");
    CHECK(start.answer({{.code = EACCES}}).error().words == "exec: find tool: Permission denied");
}

TEST_CASE("what is not there or not allowed stays so, what takes long or is scarce does not") {
    Start start("environment-files = ['/etc/a']\n");
    CHECK(start.answer({{.code = ENOENT}}).error().lasts);
    CHECK(start.answer({{.code = EACCES}}).error().lasts);
    CHECK(start.answer({{.text = "nonsense\n"}}).error().lasts);
    CHECK_FALSE(start.answer({{.code = ENOMEM}}).error().lasts);
    CHECK_FALSE(start.answer({{.code = EIO}}).error().lasts);
    CHECK(NoStart(os::SpawnFault{os::Step::exec, ENOENT, "\"/x\""}).lasts);
    CHECK(NoStart(os::SpawnFault{os::Step::user, EPERM, "user \"www-data\""}).lasts);
    CHECK(NoStart(os::SpawnFault{os::Step::directory, ENOENT, "\"/srv\""}).lasts);
    CHECK_FALSE(NoStart(os::SpawnFault{os::Step::exec, ETXTBSY, "\"/x\""}).lasts);
    CHECK_FALSE(NoStart(os::SpawnFault{os::Step::terminal, ENOENT, "\"/dev/ttyUSB0\""}).lasts);
    CHECK_FALSE(NoStart(os::SpawnFault{os::Step::clone, EAGAIN, ""}).lasts);
}
