#include "convert/script.hpp"

#include "base/text.hpp"
#include "convert/names.hpp"
#include "convert/script_text.hpp"
#include "convert/specifiers.hpp"
#include "convert/step.hpp"
#include "convert/unit_file.hpp"

namespace mi::convert {

namespace {

// The facilities of the LSB, such as $network, and the units of ours that stand for them.
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

// The target that stands for a runlevel; empty if nothing is started in that runlevel.
std::string_view target_of_level(std::string_view level) {
    return is_one_of(level, "S s")     ? "sysinit"
           : level == "1"              ? "rescue"
           : is_one_of(level, "2 3 4") ? "multi-user"
           : level == "5"              ? "graphical"
                                       : "";
}

class Script {
public:
    Script(const std::string& path, std::string_view text, const SearchPath& search_path, const Lookup& lookup)
        : path_(path), text_(text), search_path_(search_path), lookup_(lookup) {
        std::string_view stem = file_name(path);
        if (stem.ends_with(".sh"))
            stem.remove_suffix(3);
        name_ = own_name(std::string(stem) + ".service");
        specifiers_ = Specifiers(name_ + ".service", name_);
    }

    Unit run() {
        if (name_.empty())
            return {std::string(file_name(path_)), {}, {}, {path_}, "its name is none that a unit can have here"};
        header();
        relations();
        body();
        look_for_unit();
        return finish(std::move(out_), std::move(name_), {path_});
    }

private:
    void set(Table table, std::string_view key, std::string value) { out_.toml.set(table, key, std::move(value)); }
    void set_text(Table table, std::string_view key, std::string_view text) { set(table, key, quoted(text)); }

    // Makes a remark about a line of the header; the second one is about the whole script.
    void say(const HeaderLine& about, Weight weight, std::string_view why) {
        out_.remarks.push_back(
            {Table::top,
             {path_, about.line, about.key.empty() ? "" : about.key + ": " + about.value, weight, std::string(why)}});
    }
    void say(Weight weight, std::string_view why) { out_.say(path_, 0, weight, why); }

    void look_for_unit() {
        for (const std::string& directory : search_path_.directories)
            if (const std::string other = directory + "/" + std::string(file_name(path_)) + ".service";
                lookup_.text(other))
                return say(Weight::note, "there is a unit of systemd's, too, which says more: " + other);
    }

    void header() {
        for (HeaderLine& line : header_of(text_))
            if (is_plain_text(line.value) && is_plain_text(line.key))
                lines_.push_back(std::move(line));
            else
                out_.say(path_, line.line, Weight::lost, "the line is not UTF-8");
        for (const HeaderLine& line : lines_) {
            const bool is_short = line.key == "Short-Description";
            if (!line.value.empty() &&
                (is_short || (line.key == "Description" && !out_.toml.has(Table::top, "description"))))
                set_text(Table::top, "description", specifiers_.protect(line.value));
            else
                take(line);
        }
        if (lines_.empty())
            say(Weight::near, "without an LSB header it is started by `minictl enable " + name_ + "` alone");
    }

    void take(const HeaderLine& line) {
        const std::string& key = line.key;
        if (is_one_of(key, "Required-Start Should-Start X-Start-After"))
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
        else if (!is_one_of(key, "Required-Stop Should-Stop X-Stop-After X-Interactive Short-Description Description"))
            say(line, Weight::note, "it is no business of an init");
    }

    // Translates a name of the header: a facility or a script.
    static Named facility(std::string_view word) {
        if (!word.starts_with('$'))
            return named(std::string(word) + ".service", Naming::after);
        const Facility* known = std::ranges::find(facilities, word, &Facility::name);
        if (known == std::end(facilities))
            return {"", Weight::near, "it is no facility that is known"};
        return {std::string(known->ours), known->weight, known->why};
    }

    void order(const HeaderLine& line, std::vector<std::string>& to) {
        for (std::string_view word : blank_separated(line.value)) {
            word.remove_prefix(word.starts_with('+') ? 1 : 0);
            Named other = facility(word);
            if (!other.why.empty())
                say(line, other.weight, std::string(word) + ": " + std::string(other.why));
            else if (!other.name.empty())
                to.push_back(std::move(other.name));
        }
    }

    void levels(const HeaderLine& line) {
        for (std::string_view level : blank_separated(line.value))
            if (const std::string_view target = target_of_level(level); !target.empty())
                add_once(targets_, std::string(target));
            else
                say(line, Weight::lost, std::string(level) + " is no runlevel in which something is started");
        // graphical requires multi-user, so the latter is enough.
        if (is_wanted_by("multi-user"))
            std::erase(targets_, "graphical");
    }
    bool is_wanted_by(std::string_view target) const { return std::ranges::find(targets_, target) != targets_.end(); }

    void stop_levels(const HeaderLine& line) {
        if (!is_one_of("0", line.value) || !is_one_of("6", line.value))
            say(line, Weight::near, "everything is stopped at shutdown");
    }

    void provides(const HeaderLine& line) {
        for (std::string_view name : blank_separated(line.value))
            if (name.starts_with('$') || own_name(std::string(name) + ".service") != name_)
                say(line, Weight::near, "a service has one name: what names " + std::string(name) + " has to name it");
    }

    void relations() {
        const bool early = is_wanted_by("sysinit");
        if (!early)
            after_.insert(after_.begin(), "basic");
        std::erase(before_, name_);
        std::vector<std::string> after;
        for (std::string& each : after_)
            if (!in_the_way(each, early))
                add_once(after, std::move(each));
            else if (!is_one_of(each, "mounts basic") && each != name_)
                say(Weight::near,
                    "it does not wait for " + each + ", which comes after its runlevels or its X-Start-Before");
        if (!after.empty())
            set(Table::top, "after", array(after));
        if (!before_.empty())
            set(Table::top, "before", array(before_));
        if (!targets_.empty())
            set(Table::top, "wanted-by", array(targets_));
        else
            set(Table::top, "enabled", "false");
    }

    // True if the script cannot wait for `unit` without a cycle, or if it waits for it in any case.
    bool in_the_way(const std::string& unit, bool early) const {
        auto blocks = [&](const std::string& other) { return unit == other || comes_after(unit, other); };
        return unit == name_ || std::ranges::any_of(targets_, blocks) || std::ranges::any_of(before_, blocks) ||
               (!early && unit == "mounts");
    }

    // The path of the script on the system that the unit is for.
    std::string installed_path() const {
        if (!search_path_.root.empty() && path_.starts_with(search_path_.root + "/"))
            return path_.substr(search_path_.root.size());
        const std::size_t at = path_.find("/etc/init.d/");
        return at != path_.npos ? path_.substr(at) : "/etc/init.d/" + std::string(file_name(path_));
    }

    void body() {
        const std::string script = specifiers_.protect(installed_path());
        auto command = [&](const char* word) { return array({script, word}); };
        set_text(Table::condition, "path-exists", script);
        const std::string pid_file = pid_file_of(text_);
        set_text(Table::service, "type", pid_file.empty() ? "oneshot" : "forking");
        set(Table::service, "command", command("start"));
        set(Table::service, "stop-command", "[" + command("stop") + "]");
        if (!pid_file.empty()) {
            if (takes_word(text_, "reload"))
                set(Table::service, "reload-command", command("reload"));
            set_text(Table::service, "restart", "no");
            set_text(Table::process, "pid-file", specifiers_.protect(pid_file));
        }
        // 5 and 6 mean "not installed" and "not configured" in LSB scripts, which is no failure.
        set(Table::service, "success-exit", "[0, 5, 6]");
        set_text(Table::service, "start-timeout", "5min");
        set_text(Table::service, "stop-timeout", "5min");
    }

    const std::string& path_;
    std::string_view text_;
    const SearchPath& search_path_;
    const Lookup& lookup_;
    std::string name_;
    StepOutput out_;
    Specifiers specifiers_;
    std::vector<HeaderLine> lines_;
    std::vector<std::string> after_, before_, targets_;
};

} // namespace

bool is_init_script(std::string_view text) {
    return text.starts_with("#!") && is_plain_text(text.substr(0, text.find('\n'))) &&
           (!header_of(text).empty() || takes_word(text, "start"));
}

Unit convert_script(const std::string& path, std::string_view text, const SearchPath& search_path,
                    const Lookup& lookup) {
    return Script(path, text, search_path, lookup).run();
}

} // namespace mi::convert
