// What [cgroup] becomes in the kernel's files, on directories that look like cgroups.
#include "daemon/process/resources.hpp"
#include "os/scene.hpp"

using namespace mi;
using namespace mi::daemon;

namespace {

constexpr const char* files[] = {"memory.max", "memory.high", "memory.swap.max", "memory.oom.group", "cpu.max",
                                 "cpu.weight", "io.weight",   "pids.max",        "memory.current"};

// A tree with the cgroup of one unit, "web", which has all the files that a kernel with every controller gives it.
struct Place {
    os::Scratch scratch;
    std::optional<os::CgroupTree> tree;
    core::Unit web;
    explicit Place(const std::string& controllers = "cpu io memory pids\n") {
        scratch.write("cgroup.controllers", controllers);
        scratch.write("cgroup.subtree_control", "");
        std::filesystem::create_directories(scratch / "tree/web");
        scratch.write("tree/cgroup.procs", "");
        scratch.write("tree/cgroup.subtree_control", "");
        for (const char* file : files)
            clear(file);
        tree = os::CgroupTree::adopt(scratch / "tree", "/tree").value();
        web.name = "web";
        web.cgroup = std::make_unique<core::Cgroup>();
    }
    void clear(const std::string& file) { scratch.write("tree/web/" + file, ""); }
    [[nodiscard]] std::string in(const std::string& file) const { return os::contents(scratch / ("tree/web/" + file)); }
};

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += line + "\n";
    return text;
}

} // namespace

TEST_CASE("each limit is written as the kernel reads it, before the first process") {
    Place place;
    *place.web.cgroup = {.memory_max = 64u << 20,
                         .memory_high = ~std::uint64_t{0},
                         .memory_swap_max = 0,
                         .pids_max = 12,
                         .cpu_weight = 200,
                         .io_weight = 300,
                         .cpu_max_percent = 150};
    Resources resources(&*place.tree, "");
    Resources::Berth berth = resources.berth(place.web, true, true, {});
    CHECK(berth.cgroup);
    CHECK(joined(berth.complaints) == "");
    CHECK_FALSE(berth.apart);
    CHECK(place.in("memory.max") == "67108864");
    CHECK(place.in("memory.high") == "max");
    CHECK(place.in("memory.swap.max") == "0");
    CHECK(place.in("pids.max") == "12");
    CHECK(place.in("cpu.weight") == "200");
    CHECK(place.in("io.weight") == "300");
    CHECK(place.in("cpu.max") == "150000 100000");
    CHECK(place.in("memory.oom.group") == "1");
}

TEST_CASE("a disk scheduler with weights of its own gets those") {
    Place place;
    std::filesystem::remove(place.scratch / "tree/web/io.weight");
    place.clear("io.bfq.weight");
    place.web.cgroup->io_weight = 10000;
    Resources resources(&*place.tree, "");
    CHECK(resources.berth(place.web, true, true, {}).complaints.empty());
    CHECK(place.in("io.bfq.weight") == "1000");
}

TEST_CASE("what cannot be honoured is named once, with the reason") {
    Place place("cpu pids\n");
    place.web.cgroup->memory_max = 1u << 30;
    place.web.cgroup->pids_max = 5;
    SUBCASE("no controller") {
        Resources resources(&*place.tree, "");
        CHECK(joined(resources.berth(place.web, true, true, {}).complaints) ==
              "cgroup.memory-max cannot be honoured: there is no controller for memory\n");
        CHECK(resources.berth(place.web, true, true, {}).complaints.empty());
        CHECK(place.in("pids.max") == "5");
    }
    SUBCASE("no cgroups at all") {
        place.web.cgroup->delegate = true;
        Resources resources(nullptr, "none here");
        Resources::Berth berth = resources.berth(place.web, true, true, {});
        CHECK_FALSE(berth.cgroup);
        CHECK(joined(berth.complaints) == "cgroup.memory-max cannot be honoured: none here\n"
                                          "cgroup.pids-max cannot be honoured: none here\n"
                                          "cgroup.delegate cannot be honoured: none here\n");
        CHECK(resources.berth(place.web, true, true, {}).complaints.empty());
        CHECK_FALSE(resources.usage("web").tasks);
    }
}

TEST_CASE("a child that a limit could hold up or kill does not borrow our memory") {
    Place place;
    Resources resources(&*place.tree, "");
    auto apart = [&](bool first) { return resources.berth(place.web, first, first, {}).apart; };
    CHECK_FALSE(apart(true));
    SUBCASE("too little memory to start with") { place.web.cgroup->memory_max = 1u << 20; }
    SUBCASE("slowed down from the start") { place.web.cgroup->memory_high = 4096; }
    SUBCASE("hardly any time") { place.web.cgroup->cpu_max_percent = 1; }
    CHECK(apart(true));
}

TEST_CASE("nor does one that comes to where others may have used it all up") {
    Place place;
    Resources resources(&*place.tree, "");
    place.web.cgroup->memory_max = 1u << 30;
    CHECK_FALSE(resources.berth(place.web, true, true, {}).apart);
    CHECK(resources.berth(place.web, false, false, {}).apart);
}

TEST_CASE("limits that were read again come into force at once, but memory not below what is in use") {
    Place place;
    place.web.cgroup->memory_max = 64u << 20;
    place.web.cgroup->cpu_weight = 200;
    Resources resources(&*place.tree, "");
    (void)resources.berth(place.web, true, true, {});
    CHECK(resources.adapt(place.web).empty());
    place.scratch.write("tree/web/memory.current", "8388608\n");
    for (const char* file : {"memory.max", "cpu.weight", "pids.max"})
        place.clear(file);
    place.web.cgroup->cpu_weight.reset();
    place.web.cgroup->pids_max = 9;
    SUBCASE("above") {
        place.web.cgroup->memory_max = 16u << 20;
        CHECK(resources.adapt(place.web).empty());
        CHECK(place.in("memory.max") == "16777216");
    }
    SUBCASE("below") {
        place.web.cgroup->memory_max = 4u << 20;
        CHECK(joined(resources.adapt(place.web)) ==
              "cgroup.memory-max is below what it uses now (8M): in force when it is started again\n");
        CHECK(place.in("memory.max").empty());
        place.scratch.write("tree/web/memory.current", "1\n");
        CHECK(resources.adapt(place.web).empty()); // it has become smaller meanwhile
        CHECK(place.in("memory.max") == "4194304");
    }
    CHECK(place.in("cpu.weight") == "100");
    CHECK(place.in("pids.max") == "9");
    CHECK(place.in("memory.oom.group") == "1");
    place.web.cgroup.reset();
    CHECK(resources.adapt(place.web).empty());
    CHECK(place.in("memory.max").starts_with("max"));
    CHECK(place.in("memory.oom.group") == "0");
}

TEST_CASE("a kill for want of memory is told once, and of the process whose end follows it") {
    Place place;
    Resources resources(&*place.tree, "");
    place.web.cgroup->memory_max = 64u << 20;
    Instant now{std::chrono::seconds(100)};
    CHECK_FALSE(resources.killed_for_memory(place.web, now, true)); // nobody counts
    auto events = [&](int kills, int own) {
        place.scratch.write("tree/web/memory.events",
                            "oom " + std::to_string(own) + "\noom_kill " + std::to_string(kills) + "\n");
    };
    events(0, 0);
    CHECK_FALSE(resources.killed_for_memory(place.web, now, true));
    events(1, 1);
    CHECK(resources.killed_for_memory(place.web, now, false) == "memory-max 64M");
    CHECK_FALSE(resources.killed_for_memory(place.web, now, false));
    CHECK(resources.killed_for_memory(place.web, now, true) == "memory-max 64M"); // that was the one
    now.since_boot += std::chrono::minutes(1);
    CHECK_FALSE(resources.killed_for_memory(place.web, now, true)); // this one ended by something else
    events(2, 1);
    CHECK(resources.killed_for_memory(place.web, now, true) == "memory-max 64M");
    place.web.cgroup.reset();
    events(3, 0);
    now.since_boot += std::chrono::minutes(1);
    CHECK(resources.killed_for_memory(place.web, now, true) == "not by a limit of its own");
}
