// `verify --root` and `convert`, on systems that are only directories.
#include "ctl_world.hpp"

#include <elf.h>
#include <sys/stat.h>

#include <cstring>

using namespace mi;
using namespace mi::test;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// The beginning of a program for `machine`, with an interpreter if one is named.
std::string program(std::uint16_t machine, const std::string& interpreter = "") {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = machine;
    header.e_phoff = sizeof header;
    header.e_phnum = interpreter.empty() ? 0 : 1;
    Elf64_Phdr segment{};
    segment.p_type = PT_INTERP;
    segment.p_offset = sizeof header + sizeof segment;
    segment.p_filesz = interpreter.size() + 1;
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    if (!interpreter.empty())
        bytes.append(reinterpret_cast<const char*>(&segment), sizeof segment).append(interpreter).push_back('\0');
    return bytes;
}

// A root file system with a shell for x86-64, two accounts, and what the test adds.
class Root : public Directory {
public:
    Root() {
        executable("bin/sh", program(EM_X86_64));
        write("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:9:9::/srv/web:/bin/sh\n");
        write("etc/group", "root:x:0:\nweb:x:9:\n");
    }
    void executable(const std::string& path, const std::string& text) {
        write(path, text);
        ::chmod(at(path).c_str(), 0755);
    }
    void unit(const std::string& name, const std::string& text) { write("usr/lib/miniinit/" + name + ".toml", text); }
    Outcome verify() { return run_ctl({"minictl", "verify", "--root", at("")}); }
};

} // namespace

TEST_CASE("verify --root finds nothing wrong with units that fit the system") {
    Root root;
    root.executable("usr/bin/web", program(EM_X86_64, "/lib64/ld.so"));
    root.executable("opt/lib/ld.so", program(EM_X86_64));
    std::filesystem::create_directory_symlink("/opt/lib", root.at("lib64")); // inside the root, not here
    root.executable("usr/bin/tool", "#! /bin/sh -e\n");
    root.write("etc/default/web", "A=1\n");
    root.unit("web",
              "requires = [\"db\"]\nwants = [\"getty@tty1\"]\n[service]\ncommand = [\"web\"]\npre-start = "
              "[\"/usr/bin/tool x\"]\n"
              "[process]\nuser = \"web\"\ngroup = \"web\"\nenvironment-files = [\"/etc/default/web\", \"-/etc/none\"]\n"
              "working-directory = \"/etc\"\n");
    root.unit("db", "[service]\nscript = \"true\"\n[process]\nuser = \"77\"\nworking-directory = "
                    "\"/var/lib/db\"\nstate-directory = [\"db\"]\n");
    root.unit("getty@", "[service]\ncommand = [\"/bin/sh\", \"${instance}\"]\n");
    root.unit("late",
              "[condition]\npath-exists = \"/sbin/late\"\n[service]\ncommand = [\"/sbin/late\"]\n"); // skipped there
    root.unit("soon", "[service]\ncommand = [\"/run/made/later\"]\n[process]\nworking-directory = \"/run/soon\"\n");
    const Outcome outcome = root.verify();
    CHECK(outcome.out == "");
    CHECK(outcome.code == 0);
}

TEST_CASE("verify --root names what is missing, where it stands") {
    struct Row {
        const char* unit;
        const char* said; // behind the name of the file
    };
    const Row rows[] = {
        {"[service]\ncommand = [\"/usr/bin/none\", \"x\"]\n", ":2:12: error: there is no program /usr/bin/none"},
        {"[service]\ncommand = \"none x\"\n", ":2:11: error: there is no program none in /usr/local/sbin"},
        {"[service]\ncommand = [\"/etc\"]\n", ":2:12: error: /etc is no file"},
        {"[service]\ncommand = [\"/etc/passwd\"]\n", ":2:12: error: /etc/passwd cannot be executed"},
        {"[service]\ncommand = [\"/bin/arm\"]\n",
         ":2:12: error: /bin/arm is made for aarch64, but this system for x86-64 (/bin/sh)"},
        {"[service]\ncommand = [\"/bin/dynamic\"]\n", ":2:12: error: /bin/dynamic needs the dynamic linker /lib/ld.so"},
        {"[service]\ncommand = [\"/bin/script\"]\n",
         ":2:12: error: /bin/script needs /bin/perl: there is no program /bin/perl"},
        {"[service]\ncommand = [\"/bin/env-script\"]\n",
         ":2:12: error: /bin/env-script needs python3, which is not in"},
        {"[service]\ncommand = [\"/bin/text\"]\n", ":2:12: error: /bin/text is neither a program nor a script with #!"},
        {"[service]\ncommand = [\"/bin/outside\"]\n", ":2:12: error: there is no program /bin/outside"},
        {"[service]\ncommand = [\"/bin/sh\"]\npost-stop = [[\"/bin/sh\"], [\"/bin/none\"]]\n",
         ":3:28: error: there is no program /bin/none"},
        {"[service]\ncommand = [\"/bin/sh\"]\nreload-command = \"/bin/none\"\n",
         ":3:18: error: there is no program /bin/none"},
        {"[service]\ncommand = [\"/bin/sh\"]\n[process]\nuser = \"nobody\"\n",
         ":4:8: error: there is no user \"nobody\""},
        {"[service]\ncommand = [\"/bin/sh\"]\n[process]\ngroup = \"tty\"\n", ":4:9: error: there is no group \"tty\""},
        {"[service]\ncommand = [\"/bin/sh\"]\n[process]\nuser = \"web\"\nsupplementary-groups = [\"web\", \"tty\"]\n",
         ":5:32: error: there is no group \"tty\""},
        {"[service]\ncommand = [\"/bin/sh\"]\n[[listen]]\nstream = \"/run/a\"\nuser = \"nobody\"\n",
         ":5:8: error: there is no user \"nobody\""},
        {"[service]\ncommand = [\"/bin/sh\"]\n[process]\nenvironment-files = [\"/etc/none\"]\n",
         ":4:22: error: there is no file /etc/none"},
        {"[service]\ncommand = [\"/bin/sh\"]\n[process]\ncredentials = { a = \"/run/a\", b = \"/etc/none\" }\n",
         ":4:35: warning: there is no file /etc/none"},
        {"[service]\ncommand = [\"/bin/sh\"]\n[process]\nenvironment-from = { A = \"/etc/none\" }\n",
         ":4:26: warning: there is no file /etc/none"},
        {"[service]\ncommand = [\"/bin/sh\"]\n[process]\nworking-directory = \"/srv\"\n",
         ":4:21: error: there is no directory /srv"},
        {"[service]\ncommand = [\"/bin/sh\"]\n[process]\nroot-directory = \"/jail\"\n",
         ":4:18: error: `root-directory`: there is no directory /jail"},
        {"[service]\ncommand = [\"/bin/sh\"]\n[process]\nstdin = \"file:/etc/none\"\n",
         ":4:9: error: there is no file /etc/none"},
        {"requires = [\"db\"]\n[service]\ncommand = [\"/bin/sh\"]\n", ":1:13: error: `requires`: there is no unit db"},
        {"wants = [\"db\"]\n[service]\ncommand = [\"/bin/sh\"]\n", ":1:10: warning: `wants`: there is no unit db"},
    };
    for (const Row& row : rows) {
        Root root;
        root.executable("bin/arm", program(EM_AARCH64));
        root.executable("bin/dynamic", program(EM_X86_64, "/lib/ld.so"));
        root.executable("bin/script", "#!/bin/perl -w\n");
        root.executable("bin/env-script", "#!/bin/env python3\n");
        root.executable("bin/env", program(EM_X86_64));
        root.executable("bin/text", "echo\n");
        std::filesystem::create_symlink("../../../../../../../../bin/true", root.at("bin/outside"));
        std::filesystem::remove(root.at("bin/true"));
        root.unit("web", row.unit);
        const Outcome outcome = root.verify();
        CAPTURE(row.unit);
        CAPTURE(outcome.out);
        CHECK(has(outcome.out, root.at("usr/lib/miniinit/web.toml") + row.said));
        CHECK(outcome.code == (has(row.said, "warning") ? 0 : 1));
    }
}

TEST_CASE("verify --root takes a file as it is named from here") {
    Root root;
    Directory elsewhere;
    elsewhere.write("web.toml", "[service]\ncommand = [\"/usr/bin/none\"]\n");
    const Outcome outcome = run_ctl({"minictl", "verify", "--root", root.at(""), elsewhere.at("web.toml")});
    CHECK(outcome.code == 1);
    CHECK(has(outcome.out, elsewhere.at("web.toml") + ":2:12: error: there is no program /usr/bin/none"));
    CHECK(run_ctl({"minictl", "verify", "--root", root.at("nowhere")}).code == 1);
}

TEST_CASE("convert prints one unit, and says what is lost") {
    Directory directory;
    directory.write("web.service",
                    "[Service]\nExecStart=/usr/bin/web\nSecureBits=yes\n[Install]\nWantedBy=multi-user.target\n");
    const Outcome outcome = run_ctl({"minictl", "convert", directory.at("web.service")});
    CHECK(outcome.code == 1);
    CHECK(has(outcome.out, "command       = [\"/usr/bin/web\"]\n"));
    CHECK(outcome.err ==
          directory.at("web.service") + ":3: SecureBits=yes: no equal: there is no key for this kind of confinement\n");
    const Outcome json = run_ctl({"minictl", "convert", "--json", directory.at("web.service")});
    CHECK(json.code == 1);
    CHECK(has(json.out, R"("unit":"web")"));
    CHECK(has(json.out, R"("directive":"SecureBits=yes","weight":"lost")"));
}

TEST_CASE("convert exits with 0 where all is converted, with --strict only where all is equal") {
    Directory directory;
    directory.write("web.service", "[Service]\nType=dbus\nBusName=org.web\nExecStart=/usr/bin/web\n");
    CHECK(run_ctl({"minictl", "convert", directory.at("web.service")}).code == 0);
    CHECK(run_ctl({"minictl", "convert", "--strict", directory.at("web.service")}).code == 1);
    CHECK(run_ctl({"minictl", "convert", directory.at("none.service")}).code == 1);
}

TEST_CASE("convert writes a file for each unit, and none over another") {
    Directory directory;
    directory.write("a.service", "[Service]\nExecStart=/bin/a\n");
    directory.write("b.service", "[Service]\nExecStart=/bin/b\n");
    directory.write("out/x", "");
    const std::vector<std::string> words = {
        "minictl", "convert", "-o", directory.at("out"), directory.at("a.service"), directory.at("b.service")};
    CHECK(run_ctl({"minictl", "convert", directory.at("a.service"), directory.at("b.service")}).code == 2);
    CHECK(run_ctl(words).code == 0);
    CHECK(run_ctl({"minictl", "verify", directory.at("out/a.toml"), directory.at("out/b.toml")}).code == 0);
    const Outcome again = run_ctl(words);
    CHECK(again.code == 1);
    CHECK(has(again.err, "a.toml is there already"));
}

TEST_CASE("convert --root follows links inside the root") {
    Root root;
    root.write("usr/lib/systemd/system/web.service", "[Service]\nExecStart=/bin/web\nUser=web\nWorkingDirectory=~\n");
    std::filesystem::create_directory_symlink("/usr/lib", root.at("lib"));
    const Outcome outcome = run_ctl({"minictl", "convert", "--root", root.at(""), "web"});
    CHECK(outcome.code == 0);
    CHECK(has(outcome.out, "working-directory = \"~\""));
}
