// Limits and their controllers: on directories that look like cgroups, and on the real thing where this machine has it.
#include "os/cgroup/cgroup.hpp"
#include "scene.hpp"

#include <algorithm>

using namespace mi;
using namespace mi::os;

namespace {

// What a directory of the cgroup file system looks like to who reads and writes its files.
struct Pretended {
    Scratch scratch;
    std::optional<CgroupTree> tree;
    explicit Pretended(const std::string& controllers) {
        scratch.write("cgroup.controllers", controllers);
        scratch.write("cgroup.subtree_control", "");
        REQUIRE(std::filesystem::create_directory(scratch / "tree"));
        scratch.write("tree/cgroup.procs", "");
        scratch.write("tree/cgroup.subtree_control", "");
        tree = CgroupTree::adopt(scratch / "tree", "/tree").value();
    }
};

} // namespace

TEST_CASE("a controller is handed down from above the tree, once, and only if it is there") {
    Pretended place("cpu io memory pids\n");
    CgroupTree& tree = *place.tree;
    CHECK(tree.controllers() == "cpu io memory pids");
    CHECK(tree.enable("memory"));
    CHECK(contents(place.scratch / "cgroup.subtree_control") == "+memory");
    CHECK(contents(place.scratch / "tree/cgroup.subtree_control") == "+memory");
    place.scratch.write("cgroup.subtree_control", "");
    CHECK(tree.enable("memory")); // nothing more is written
    CHECK(contents(place.scratch / "cgroup.subtree_control").empty());
    CHECK(tree.enable("mem").error().text() == "there is no controller for mem");
    CHECK(tree.enable("hugetlb").error().text() == "there is no controller for hugetlb");
}

TEST_CASE("one that somebody else has handed down is not taken back from him") {
    Pretended place("cpu memory\n");
    place.scratch.write("cgroup.subtree_control", "memory\n");
    CHECK(place.tree->enable("memory"));
    CHECK(contents(place.scratch / "cgroup.subtree_control") == "memory\n");
    (void)place.tree->remove_tree(); // these directories are none of the kernel's, and stay
    CHECK(contents(place.scratch / "cgroup.subtree_control") == "memory\n");
}

TEST_CASE("a controller is not handed down past processes that are not ours") {
    Pretended place("memory\n");
    place.scratch.write("cgroup.events", "populated 1\n"); // so it is not the root
    for (const char* who : {"1\n", "0\n"}) {               // PID 1, and one of another PID namespace
        place.scratch.write("cgroup.procs", std::to_string(::getpid()) + "\n" + who);
        CHECK(place.tree->enable("memory").error().code == EBUSY);
    }
    CHECK(contents(place.scratch / "cgroup.subtree_control").empty());
    CHECK(!std::filesystem::exists(place.scratch / "tree/init.leaf"));
    place.scratch.write("cgroup.procs", "");
    CHECK(place.tree->enable("memory"));
}

TEST_CASE("what a unit uses is read from what there is of its files") {
    Pretended place("");
    CgroupTree& tree = *place.tree;
    CHECK(!tree.usage("web").tasks);
    CHECK(!tree.oom("web"));
    bool fresh = false;
    Fd cgroup = tree.make("web", &fresh).value();
    CHECK(fresh);
    cgroup = tree.make("web", &fresh).value();
    CHECK(!fresh);
    CHECK(!tree.usage("web").memory);
    CHECK(!tree.oom("web"));
    place.scratch.write("tree/web/memory.current", "4096\n");
    place.scratch.write("tree/web/memory.peak", "8192\n");
    place.scratch.write("tree/web/cpu.stat", "usage_usec 1234\nuser_usec 1000\nsystem_usec 234\n");
    place.scratch.write("tree/web/cgroup.threads", "17\n18\n");
    std::filesystem::create_directory(place.scratch / "tree/web/nested");
    place.scratch.write("tree/web/nested/cgroup.threads", "19\n");
    CgroupUsage usage = tree.usage("web");
    CHECK(usage.memory == 4096u);
    CHECK(usage.memory_peak == 8192u);
    CHECK(usage.cpu_usec == 1234u);
    CHECK(usage.tasks == 3u);
    place.scratch.write("tree/web/pids.current", "5\n");
    CHECK(tree.usage("web").tasks == 5u);
    place.scratch.write("tree/web/memory.events", "low 0\nhigh 7\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n");
    CHECK(tree.oom("web")->kills == 1);
    CHECK(tree.oom("web")->reached == 2);
}

TEST_CASE("limits are written into the kernel's files, and never make any") {
    Pretended place("");
    Fd cgroup = place.tree->make("web").value();
    place.scratch.write("tree/web/pids.max", "");
    CHECK(CgroupTree::set(cgroup, "pids.max", "12"));
    CHECK(contents(place.scratch / "tree/web/pids.max") == "12");
    CHECK(CgroupTree::set(cgroup, "memory.max", "1").error().code == ENOENT);
    CHECK(place.tree->set("none", "pids.max", "12").error().code == ENOENT);
    CHECK(place.tree->freeze("web", true).error().code == ENOENT);
    place.scratch.write("tree/web/cgroup.freeze", "");
    CHECK(place.tree->freeze("web", true));
    CHECK(contents(place.scratch / "tree/web/cgroup.freeze") == "1");
}

TEST_CASE("a delegated cgroup is its user's, but for its limits") {
    if (!is_root())
        return;
    Pretended place("");
    Fd cgroup = place.tree->make("web").value();
    CHECK(CgroupTree::delegate(cgroup, 1234, 1235).error().code == ENOENT); // how deep it may nest cannot be said
    for (const char* name :
         {"cgroup.max.depth", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "memory.max"})
        place.scratch.write(std::string("tree/web/") + name, "");
    CHECK(CgroupTree::delegate(cgroup, 1234, 1235));
    auto owner = [&](const std::string& name) {
        struct stat status{};
        REQUIRE(::stat((place.scratch / "tree/web/").append(name).c_str(), &status) == 0);
        return std::pair(status.st_uid, status.st_gid);
    };
    std::pair<uid_t, gid_t> theirs{1234, 1235}, ours{0, 0};
    CHECK(owner(".") == theirs);
    CHECK(owner("cgroup.procs") == theirs);
    CHECK(owner("cgroup.subtree_control") == theirs);
    CHECK(owner("memory.max") == ours);
    CHECK(owner("cgroup.max.depth") == ours);
    CHECK(contents(place.scratch / "tree/web/cgroup.max.depth") == "32");
}

TEST_CASE("we go to a leaf so that controllers can be handed down, and come back") {
    // A cgroup for the trial, in which we are alone; and its tree, as the init of a container has it.
    Result<CgroupTree> outer = CgroupTree::open("miniinit-leaf-" + std::to_string(::getpid()));
    if (!outer) {
        MESSAGE("no writable cgroup v2 here: " << outer.error().text());
        return;
    }
    std::string controllers = outer->controllers();
    std::string controller = controllers.substr(0, controllers.find(' '));
    std::string house = outer->path() + "/house";
    bool handed = !controller.empty() && outer->enable(controller) && outer->make("house");
    if (handed) {
        CHECK(aside([&] {
            auto where = [] { return contents("/proc/self/cgroup"); };
            std::ofstream(house + "/cgroup.procs") << "0" << std::flush;
            std::string before = where();
            CgroupTree tree = CgroupTree::open("tree").value();
            bool enabled = tree.enable(controller).has_value();
            std::string during = where();
            bool leaf = during.find("/tree/init.leaf") != std::string::npos && !tree.unit_of(::getpid());
            Fd unit = tree.make("unit").value();
            bool works = contents(tree.path() + "/cgroup.subtree_control").starts_with(controller);
            unit.reset();
            bool removed = tree.remove_tree().has_value();
            bool back = where() == before && !std::filesystem::exists(house + "/tree") &&
                        contents(house + "/cgroup.subtree_control").size() <= 1;
            std::ofstream(house + "/../../cgroup.procs") << "0" << std::flush;
            return enabled && leaf && works && removed && back;
        }));
    } else {
        MESSAGE("no controller here that could be handed down");
    }
    CHECK(outer->remove_tree());
}
