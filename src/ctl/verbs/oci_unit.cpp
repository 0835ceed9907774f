// `minictl oci-unit`: a unit from what a container image says of itself, so that its root file system can be that of a machine.
//
// Read are the configuration of an OCI image (image-spec, config.md), what `docker inspect` and `podman inspect` print of an image or
// a container, and the config.json of a bundle (runtime-spec, config.md). What a unit has no word for stands in it as a comment, and
// is said.
#include "base/text.hpp"
#include "config/load.hpp"
#include "convert/toml.hpp"
#include "ctl/verbs/verbs.hpp"
#include "os/file/runtime.hpp"
#include "wire/json.hpp"

#include <algorithm>

namespace mi::ctl {

namespace {

using wire::JsonView;
using Texts = std::vector<std::string>;
using Kind = JsonView::Kind;
using convert::quoted;

constexpr std::int64_t ms = 1'000'000, second = 1000 * ms; // ns, in which Docker counts

std::string text_of(JsonView view) { return view.kind() == Kind::text ? std::string(view.text()) : std::string(); }

// An array of strings, or one string: a command of old images, for a shell.
Texts texts_of(JsonView view) {
    if (view.kind() == Kind::text)
        return {"/bin/sh", "-c", std::string(view.text())};
    Texts texts;
    for (std::size_t i = 0; view.kind() == Kind::array && i < view.size(); ++i)
        texts.push_back(text_of(view.at(i)));
    return texts;
}

class Writer {
public:
    explicit Writer(JsonView root) {
        if (root.kind() == Kind::array && root.size() > 0)
            root = root.at(0);
        for (const char* name : {"config", "Config"})
            if (root.member(name).kind() == Kind::object)
                image_ = root.member(name);
        bundle_ = root.member("process");
        if (const std::string os = text_of(root.member("os")); !os.empty() && os != "linux")
            lost("os", "the image is for " + os);
    }

    // Whether there is something to run.
    bool write() {
        command_ =
            bundle_.kind() == Kind::object ? texts_of(bundle_.member("args")) : texts_of(image_.member("Entrypoint"));
        for (std::string& word : texts_of(image_.member("Cmd")))
            command_.push_back(std::move(word));
        if (command_.empty())
            return false;
        body_ = "[service]\ncommand = " + convert::array(command_) + "\n";
        if (std::string signal = text_of(image_.member("StopSignal")); !signal.empty())
            body_ += "stop-signal = " + quoted(signal) + "\n";
        health();
        process();
        rest();
        return true;
    }

    [[nodiscard]] std::string text() const {
        std::string name = command_.front();
        name.erase(0, name.rfind('/') + 1);
        return "# Made by `minictl oci-unit` of a container image's configuration.\n" + comments_ +
               "description = " + quoted("Container image: " + name) + "\nwanted-by = [\"multi-user\"]\n\n" + body_;
    }
    [[nodiscard]] const std::string& losses() const { return losses_; }

private:
    void comment(const std::string& words) { comments_ += "# " + words + "\n"; }
    void lost(std::string_view what, const std::string& why) {
        comment(std::string(what) + ": " + why);
        losses_ += std::string(what) + ": " + why + "\n";
    }

    static std::string duration(std::int64_t span) {
        return span % second == 0 ? '"' + std::to_string(span / second) + "s\""
                                  : '"' + std::to_string(std::max(span / ms, std::int64_t{10})) + "ms\"";
    }
    // A number of the health check; 0 and a missing one are what Docker takes for it.
    [[nodiscard]] std::int64_t number(const char* name, std::int64_t usual) const {
        const JsonView found = check_.member(name);
        return found.kind() == Kind::number && found.number() > 0 ? found.number() : usual;
    }

    void health() {
        check_ = image_.member("Healthcheck");
        Texts test = texts_of(check_.member("Test"));
        if (test.empty() || test.front() == "NONE")
            return;
        const bool shell = test.front() == "CMD-SHELL";
        if (test.size() < 2 || (!shell && test.front() != "CMD"))
            return lost("Healthcheck", '"' + test.front() + "\" is none of CMD, CMD-SHELL and NONE");
        test.erase(test.begin());
        if (shell)
            test.insert(test.begin(), {"/bin/sh", "-c"});
        const std::int64_t interval = number("Interval", 30 * second), timeout = number("Timeout", 30 * second);
        const std::int64_t retries = number("Retries", 3);
        // So long it may be unhealthy there before that is said, and here before the start has failed.
        const std::int64_t grace = number("StartPeriod", 0) + retries * (interval + timeout);
        body_ += "start-timeout = " + duration(std::max(grace, 90 * second)) +
                 "\n\n[health]\ncommand = " + convert::array(test) + "\ninterval = " + duration(interval) +
                 "\ntimeout = " + duration(timeout) +
                 "\nstart-interval = " + duration(number("StartInterval", 5 * second)) +
                 "\nfailures = " + std::to_string(retries) +
                 "\naction = \"none\" # as Docker has it; \"restart\" brings it back\n";
    }

    void process() {
        std::string lines, home;
        std::string user = text_of(image_.member("User")), group;
        if (const JsonView of_bundle = bundle_.member("user"); of_bundle.member("uid").kind() == Kind::number) {
            user = std::to_string(of_bundle.member("uid").number());
            if (of_bundle.member("gid").kind() == Kind::number)
                group = std::to_string(of_bundle.member("gid").number());
        }
        if (const std::size_t colon = user.find(':'); colon != user.npos) {
            group = user.substr(colon + 1);
            user.erase(colon);
        }
        const bool root = user.empty() || user == "root" || user == "0";
        if (!root)
            lines += "user = " + quoted(user) + "\n";
        if (!group.empty() && !(root && (group == "0" || group == "root")))
            lines += "group = " + quoted(group) + "\n";
        const JsonView in_bundle = bundle_.member("cwd");
        if (const std::string where = text_of(in_bundle.kind() == Kind::text ? in_bundle : image_.member("WorkingDir"));
            !where.empty() && where != "/")
            lines += "working-directory = " + quoted(where) + "\n";
        Texts variables = texts_of(bundle_.kind() == Kind::object ? bundle_.member("env") : image_.member("Env"));
        if (root && std::ranges::none_of(variables, [](const std::string& each) { return each.starts_with("HOME="); }))
            variables.emplace_back("HOME=/root");
        lines += "\n[process.environment]\n";
        for (const std::string& each : variables)
            if (const std::size_t equals = each.find('='); equals != each.npos && equals > 0)
                lines += quoted(each.substr(0, equals)) + " = " + quoted(each.substr(equals + 1)) + "\n";
            else
                lost("Env", quoted(each) + " has no value, which Docker takes from whoever starts the container");
        body_ += "\n[process]\n" + lines;
    }

    void rest() {
        for (const std::string& port : image_.member("ExposedPorts").names())
            comment("It listens on " + port + " (ExposedPorts).");
        for (const std::string& path : image_.member("Volumes").names())
            lost("Volumes", path + " is no volume of its own here: mount one there, or what is in it is in the root");
        for (const char* name : {"OnBuild", "Shell"})
            if (const JsonView found = image_.member(name); found.kind() == Kind::array && found.size() > 0)
                lost(name, "it is for the making of images, and means nothing here");
        if (const JsonView tty = image_.member("Tty"); tty.kind() == Kind::boolean && tty.boolean())
            lost("Tty", "write tty = \"/dev/tty1\" and stdin = \"tty\" for a terminal");
        for (const char* name : {"capabilities", "rlimits", "apparmorProfile", "selinuxLabel"})
            if (const Kind kind = bundle_.member(name).kind(); kind != Kind::missing && kind != Kind::null)
                lost(name, "not carried over: see `capabilities` and `limits` in miniinit-unit(5)");
    }

    JsonView image_, bundle_, check_;
    Texts command_;
    std::string comments_, body_, losses_;
};

} // namespace

int write_oci_unit(Context& context) {
    const std::string& file = context.arguments.words[0];
    constexpr std::size_t largest = 4 << 20;
    auto json = os::read_file(file == "-" ? "/dev/stdin" : file, largest);
    if (!json)
        return context.fail(json.error().text());
    const auto document = wire::JsonDocument::parse(*json);
    if (!document)
        return context.fail(harmless(file) +
                                " is no JSON: give the configuration of an image, or what `docker inspect` prints",
                            failed);
    Writer writer(document->root());
    if (!writer.write())
        return context.fail(harmless(file) + " says nothing to run: it has neither Entrypoint nor Cmd in `config` or "
                                             "`Config`, nor `process.args`");
    context.note(writer.losses());
    int code = done;
    for (const config::Problem& problem : config::read_text("image", writer.text(), "image.toml").problems)
        if (problem.severity == config::Severity::error)
            code = context.fail("what was made of it is not accepted: " + config::brief(problem));
    return context.print(writer.text()) == done ? code : failed;
}

} // namespace mi::ctl
