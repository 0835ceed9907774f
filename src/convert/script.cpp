#include "convert/script.hpp"

#include "base/text.hpp"
#include "convert/names.hpp"
#include "convert/script_text.hpp"
#include "convert/sheet.hpp"
#include "convert/specifiers.hpp"
#include "convert/unit_file.hpp"
#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// The facilities of the LSB, "$network", and where they are here.
struct Facility {
    std::string_view name, ours;
    Weight weight;
    std::string_view why;
};
constexpr Facility facilities[] = {
    {"$local_fs", "mounts", Weight::note, ""},
    {"$remote_fs", "network-mounts", Weight::note, ""},
    {"$network", "network", Weight::note, ""},
    {"$named", "network", Weight::note, ""},
    {"$portmap", "rpcbind", Weight::note, ""},
    {"$time", "clock", Weight::note, ""},
    {"$syslog", "", Weight::note, "logging is built in"},
    {"$mail-transport-agent", "", Weight::note, "it stands for one of several units: name the one that is there"},
    {"$x-display-manager", "", Weight::note, "it stands for one of several units: name the one that is there"},
    {"$all", "", Weight::near, "nothing comes last: it does not wait for everything else"},
};

class Script {
public:
    Script(const std::string& path, std::string_view text, const Place& place, const Lookup& lookup)
        : path_(path), text_(text), place_(place), lookup_(lookup) {
        std::string_view stem = file_name(path);
        if (stem.ends_with(".sh"))
            stem.remove_suffix(3);
        unit_.name = own_name(std::string(stem) + ".service");
        unit_.files.push_back(path);
        specifiers_ = Specifiers(unit_.name + ".service", unit_.name);
    }

    Unit run() {
        if (unit_.name.empty()) {
            unit_.name = file_name(path_);
            unit_.fault = "its name is none that a unit can have here";
            return std::move(unit_);
        }
        sheet_.headline("From " + path_);
        header();
        relations();
        body();
        if (!lookup_.text(path_) || place_.directories.empty())
            return finish();
        for (const std::string& directory : place_.directories)
            if (const std::string other = directory + "/" + std::string(file_name(path_)) + ".service";
                lookup_.text(other)) {
                say({"", "", 0}, Weight::note, "there is a unit of systemd's, too, which says more: " + other);
                break;
            }
        return finish();
    }

private:
    Unit finish() {
        std::stable_sort(unit_.remarks.begin(), unit_.remarks.end(),
                         [](const Remark& a, const Remark& b) { return a.line < b.line; });
        unit_.toml = sheet_.text();
        return std::move(unit_);
    }

    void say(const HeaderLine& about, Weight weight, std::string_view why) {
        Remark remark{path_, about.line, about.key.empty() ? "" : about.key + ": " + about.value, weight,
                      std::string(why)};
        std::string comment = text(remark);
        sheet_.comment(Table::top, comment.substr(path_.size() - file_name(path_).size()));
        unit_.remarks.push_back(std::move(remark));
    }

    void header() {
        for (HeaderLine& line : header_of(text_))
            if (is_plain_text(line.value) && is_plain_text(line.key))
                lines_.push_back(std::move(line));
            else
                say({"", "", line.line}, Weight::lost, "the line is not UTF-8");
        for (const HeaderLine& line : lines_) {
            if (line.key == "Short-Description" && !line.value.empty())
                sheet_.set_text(Table::top, "description", specifiers_.protect(line.value));
            else if (line.key == "Description" && !line.value.empty() && !sheet_.has(Table::top, "description"))
                sheet_.set_text(Table::top, "description", specifiers_.protect(line.value));
            else
                take(line);
        }
        if (lines_.empty())
            say({"", "", 0}, Weight::near,
                "without an LSB header it is started by `minictl enable " + unit_.name + "` alone");
    }

    void take(const HeaderLine& line) {
        const std::string& key = line.key;
        if (key == "Required-Start" || key == "Should-Start" || key == "X-Start-After")
            order(line, after_);
        else if (key == "X-Start-Before")
            order(line, before_);
        else if (key == "Default-Start")
            levels(line);
        else if (key == "Default-Stop")
            stop_levels(line);
        else if (key == "Provides")
            provides(line);
        else if (key == "X-Interactive" && truth(line.value) == true)
            say(line, Weight::lost, "it gets no terminal");
        else if (key != "Required-Stop" && key != "Should-Stop" && key != "X-Stop-After" && key != "X-Interactive" &&
                 key != "Short-Description" && key != "Description")
            say(line, Weight::note, "it is no business of an init");
    }

    void order(const HeaderLine& line, std::vector<std::string>& to) {
        for (std::string_view word : blank_separated(line.value)) {
            if (word.starts_with('+'))
                word.remove_prefix(1);
            if (word.starts_with('$')) {
                auto known = std::ranges::find_if(facilities, [&](const Facility& each) { return each.name == word; });
                if (known == std::end(facilities))
                    say(line, Weight::near, std::string(word) + " is no facility that is known");
                else if (!known->why.empty())
                    say(line, known->weight, std::string(word) + ": " + std::string(known->why));
                else if (!known->ours.empty())
                    to.emplace_back(known->ours);
                continue;
            }
            Named other = named(std::string(word) + ".service", Naming::after);
            if (!other.why.empty())
                say(line, other.weight, std::string(word) + ": " + std::string(other.why));
            else if (!other.name.empty())
                to.push_back(std::move(other.name));
        }
    }

    void levels(const HeaderLine& line) {
        for (std::string_view level : blank_separated(line.value)) {
            std::string_view target = level == "S" || level == "s"                   ? "sysinit"
                                      : level == "1"                                 ? "rescue"
                                      : level == "2" || level == "3" || level == "4" ? "multi-user"
                                      : level == "5"                                 ? "graphical"
                                                                                     : "";
            if (target.empty())
                say(line, Weight::lost, std::string(level) + " is no runlevel in which something is started");
            else if (std::find(targets_.begin(), targets_.end(), target) == targets_.end())
                targets_.emplace_back(target);
        }
        // What is in multi-user is in graphical.
        if (std::find(targets_.begin(), targets_.end(), "multi-user") != targets_.end())
            std::erase(targets_, "graphical");
    }

    void stop_levels(const HeaderLine& line) {
        bool halt = false, reboot = false;
        for (std::string_view level : blank_separated(line.value)) {
            halt = halt || level == "0";
            reboot = reboot || level == "6";
        }
        if (!halt || !reboot)
            say(line, Weight::near, "everything is stopped at shutdown");
    }

    void provides(const HeaderLine& line) {
        for (std::string_view name : blank_separated(line.value))
            if (name.starts_with('$') || own_name(std::string(name) + ".service") != unit_.name)
                say(line, Weight::near, "a service has one name: what names " + std::string(name) + " has to name it");
    }

    void relations() {
        const bool early = std::find(targets_.begin(), targets_.end(), "sysinit") != targets_.end();
        if (!early)
            after_.insert(after_.begin(), "basic");
        auto in_the_way = [&](const std::string& unit) {
            auto blocks = [&](const std::string& other) { return unit == other || comes_after(unit, other); };
            return unit == unit_.name || std::ranges::any_of(targets_, blocks) ||
                   std::ranges::any_of(before_, blocks) || (!early && unit == "mounts");
        };
        std::vector<std::string> after;
        std::erase(before_, unit_.name);
        for (std::string& each : after_)
            if (!in_the_way(each) && std::find(after.begin(), after.end(), each) == after.end())
                after.push_back(std::move(each));
            else if (each != unit_.name && each != "mounts" && each != "basic" && in_the_way(each))
                say({"", "", 0}, Weight::near,
                    "it does not wait for " + each + ", which comes after its runlevels or its X-Start-Before");
        if (!after.empty())
            sheet_.set(Table::top, "after", array(after));
        if (!before_.empty())
            sheet_.set(Table::top, "before", array(before_));
        if (!targets_.empty())
            sheet_.set(Table::top, "wanted-by", array(targets_));
        else
            sheet_.set(Table::top, "enabled", "false");
    }

    // Where the script is on the system that it is for.
    std::string place() {
        std::string path = path_;
        if (!place_.root.empty() && path.starts_with(place_.root + "/"))
            return path.substr(place_.root.size());
        if (std::size_t at = path.find("/etc/init.d/"); at != std::string::npos)
            return path.substr(at);
        return "/etc/init.d/" + std::string(file_name(path));
    }

    void body() {
        const std::string script = specifiers_.protect(place());
        auto command = [&](const char* word) { return array({script, word}); };
        sheet_.set_text(Table::condition, "path-exists", script);
        const std::string pid_file = pid_file_of(text_);
        sheet_.set_text(Table::service, "type", pid_file.empty() ? "oneshot" : "forking");
        sheet_.set(Table::service, "command", command("start"));
        sheet_.set(Table::service, "stop-command", "[" + command("stop") + "]");
        if (!pid_file.empty()) {
            if (takes_word(text_, "reload"))
                sheet_.set(Table::service, "reload-command", command("reload"));
            sheet_.set_text(Table::service, "restart", "no");
            sheet_.set_text(Table::process, "pid-file", specifiers_.protect(pid_file));
        }
        // Not installed, not configured: nothing to complain about.
        sheet_.set(Table::service, "success-exit", "[0, 5, 6]");
        sheet_.set_text(Table::service, "start-timeout", "5min");
        sheet_.set_text(Table::service, "stop-timeout", "5min");
    }

    const std::string& path_;
    std::string_view text_;
    const Place& place_;
    const Lookup& lookup_;
    Unit unit_;
    Sheet sheet_;
    Specifiers specifiers_;
    std::vector<HeaderLine> lines_;
    std::vector<std::string> after_, before_, targets_;
};

} // namespace

bool is_init_script(std::string_view text) {
    return text.starts_with("#!") && is_plain_text(text.substr(0, text.find('\n'))) &&
           (!header_of(text).empty() || takes_word(text, "start"));
}

Unit convert_script(const std::string& path, std::string_view text, const Place& place, const Lookup& lookup) {
    return Script(path, text, place, lookup).run();
}

} // namespace mi::convert
