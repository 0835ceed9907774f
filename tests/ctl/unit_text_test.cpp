// The text of a transient unit: what is written comes back from the reader of units as it was given.
#include "ctl/verbs/unit_text.hpp"

#include "config/load.hpp"

#include <doctest/doctest.h>

using namespace mi;
using namespace mi::ctl;

namespace {

core::Unit read(const TransientUnit& unit) {
    auto text = unit_text(unit);
    REQUIRE(text);
    config::Loaded loaded = config::read_text("run-1", *text, "unit");
    for (const config::Problem& problem : loaded.problems)
        FAIL(config::brief(problem));
    REQUIRE(loaded.units.size() == 1);
    return std::move(loaded.units.front());
}

std::string problems(std::string property) {
    auto text = unit_text({.command = {"true"}, .properties = {std::move(property)}});
    if (!text)
        return text.error();
    std::string all;
    for (const config::Problem& problem : config::read_text("run-1", *text, "unit").problems)
        all += problem.message + (problem.suggestion.empty() ? "" : " (" + problem.suggestion + ")") + "\n";
    return all;
}

} // namespace

TEST_CASE("a command, its directory and its environment come back byte for byte") {
    const std::string odd = "a \"b\" \\ ${name} $${name} $$$${name} ${instance} 'c'\t\n\x01\x7f \xc3\xa9 #";
    const TransientUnit wanted{
        .command = {"/bin/echo", odd, ""}, .directory = "/a b", .umask = "0027", .environment = {{"ODD", odd}}};
    const core::Unit unit = read(wanted);
    CHECK(unit.service.command == wanted.command);
    REQUIRE(unit.process);
    CHECK(unit.process->working_directory == "/a b");
    CHECK(unit.process->umask == 0027);
    CHECK(unit.process->environment == wanted.environment);
    CHECK(unit.service.restart == core::RestartPolicy::no);
}

TEST_CASE("a property is any key of a unit, as text where it does not look like TOML") {
    const core::Unit unit = read(
        {.command = {"true"},
         .environment = {{"A", "1"}},
         .properties = {"description=it is 5", "wants=a", "wants=b", "after=[\"c\", \"d\"]", "service.restart=always",
                        "service.restart-limit=3", "service.success-exit=7", "service.success-exit=SIGUSR1",
                        "process.nice=-5", "process.umask=0077", "process.environment.B=2=2",
                        "process.no-new-privileges=true", "process.limits.nofile=99", "condition.!path-exists=/none",
                        "listen.stream=/run/a", "listen.name=one", "listen.stream=127.0.0.1:80"}});
    CHECK(unit.description == "it is 5");
    CHECK(unit.dependencies.size() == 4);
    CHECK(unit.service.restart == core::RestartPolicy::always);
    CHECK(unit.service.restart_limit == 3);
    CHECK(unit.service.success_exit == std::vector<core::Exit>{{false, 7}, {true, 10}});
    CHECK(unit.process->nice == -5);
    CHECK(unit.process->umask == 0077);
    CHECK(unit.process->environment == std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"B", "2=2"}});
    CHECK(unit.process->no_new_privileges);
    REQUIRE(unit.process->limits.size() == 1);
    CHECK(unit.process->limits[0].soft == 99);
    REQUIRE(unit.conditions.size() == 1);
    CHECK(unit.conditions[0].negated);
    REQUIRE(unit.listen.size() == 2);
    CHECK(unit.listen[0].name == "one");
    CHECK(unit.listen[1].address == "127.0.0.1:80");
}

TEST_CASE("a variable that no shell can have is taken along, and can be set") {
    const core::Unit unit = read({.command = {"true"},
                                  .environment = {{"a.b", "1"}, {"npm_//x/:_t", "2"}},
                                  .properties = {"process.environment.discovery.type=single-node"}});
    CHECK(unit.process->environment == std::vector<std::pair<std::string, std::string>>{
                                           {"a.b", "1"}, {"discovery.type", "single-node"}, {"npm_//x/:_t", "2"}});
}

TEST_CASE("a whole environment takes the place of the caller's") {
    const core::Unit unit =
        read({.command = {"true"}, .environment = {{"A", "1"}}, .properties = {"process.environment={ C = \"3\" }"}});
    CHECK(unit.process->environment == std::vector<std::pair<std::string, std::string>>{{"C", "3"}});
}

TEST_CASE("a property that is none is refused in the words of the reader, or in ours") {
    CHECK(problems("service.restrt=no").contains("unknown key `restrt` in [service] (did you mean `restart`?)"));
    CHECK(problems("restart=no").contains("`restart` belongs in [service]"));
    CHECK(problems("process.nice=x").contains("`nice`: expected an integer"));
    CHECK(problems("nice") == "--property: \"nice\" is not SECTION.KEY=VALUE");
    CHECK(problems("=x") == "--property: \"=x\" is not SECTION.KEY=VALUE");
    CHECK(problems("a]\n[b.c=1").contains("cannot be the name of a key"));
    CHECK(problems("process.a\n=1").contains("cannot be the name of a key"));
    CHECK_FALSE(problems("service.command=[").empty());
}

TEST_CASE("what is not UTF-8 cannot be written in a unit") {
    CHECK(can_be_text("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"));
    for (std::string_view bad :
         {std::string_view("\xff"), std::string_view("\xc3"), std::string_view("a\0b", 3), std::string_view("\xc0\xaf"),
          std::string_view("\xed\xa0\x80"), std::string_view("\xf4\x90\x80\x80"), std::string_view("\xe2\x82")})
        CHECK_FALSE(can_be_text(bad));
}
