// Files that exist only in a test, and what becomes of them.
#pragma once

#include "config/load.hpp"
#include "convert/convert.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace mi::convert {

class Scene : public Lookup {
public:
    Scene() = default;
    // A file, by its path.
    Scene& file(const std::string& path, const std::string& text) {
        files_[path] = text;
        return *this;
    }
    // A unit in the vendor's directory.
    Scene& unit(const std::string& name, const std::string& text) {
        return file("/usr/lib/systemd/system/" + name, text);
    }

    // A symbolic link.
    Scene& link(const std::string& path, const std::string& to) {
        links_[path] = to;
        return *this;
    }

    [[nodiscard]] std::optional<std::string> text(const std::string& path) const override {
        if (auto link = links_.find(path); link != links_.end())
            return text(link->second);
        auto found = files_.find(path);
        return found == files_.end() ? std::nullopt : std::optional(found->second);
    }
    [[nodiscard]] bool is_mask(const std::string& path) const override {
        return path.ends_with("/masked.service") || link(path) == "/dev/null";
    }
    [[nodiscard]] std::string link(const std::string& path) const override {
        auto found = links_.find(path);
        return found == links_.end() ? "" : found->second;
    }
    [[nodiscard]] std::vector<std::string> names(const std::string& directory) const override {
        std::set<std::string> names;
        for (const auto* all : {&files_, &links_})
            for (const auto& [path, text] : *all)
                if (path.starts_with(directory + "/"))
                    names.insert(
                        path.substr(directory.size() + 1, path.find('/', directory.size() + 1) - directory.size() - 1));
        return {names.begin(), names.end()};
    }

    [[nodiscard]] std::vector<Unit> all(const std::vector<std::string>& names, const std::string& root = "") const {
        std::vector<Unit> units = convert(names, search_path_of(root), *this);
        check(units);
        return units;
    }
    // Whatever they were made from: the reader takes them.
    static void check(const std::vector<Unit>& units) {
        for (const Unit& unit : units)
            if (unit.fault.empty())
                for (const config::Problem& problem : config::read_text(unit.name, unit.toml, "made.toml").problems)
                    if (problem.severity == config::Severity::error)
                        FAIL_CHECK(config::brief(problem) << "\n" << unit.toml);
    }
    [[nodiscard]] Unit made(const std::string& name, const std::string& root = "") const {
        std::vector<Unit> units = all({name}, root);
        REQUIRE(units.size() == 1);
        return std::move(units.front());
    }
    // Of a service whose other lines are those of every service.
    static Unit service(const std::string& lines, const std::string& unit_lines = "") {
        Scene scene;
        scene.unit("web.service",
                   "[Unit]\n" + unit_lines + "\n[Service]\n" +
                       (lines.find("ExecStart=") == std::string::npos ? "ExecStart=/usr/bin/web\n" : "") + lines +
                       "\n[Install]\nWantedBy=multi-user.target\n");
        return scene.made("web.service");
    }

private:
    std::map<std::string, std::string> files_, links_;
};

// Whether the unit has the line `key = value`, however it is aligned.
inline bool has(const Unit& unit, const std::string& line) {
    std::string squeezed = "\n";
    bool string = false;
    for (char letter : unit.toml) {
        string = letter == '"' ? !string : letter != '\n' && string;
        if (letter != ' ' || string || !squeezed.ends_with(' '))
            squeezed += letter;
    }
    return squeezed.find("\n" + line + "\n") != std::string::npos;
}

// The remarks, each as "weight directive", with blanks between them.
inline std::string remarks(const Unit& unit) {
    std::string all;
    for (const Remark& remark : unit.remarks)
        all += (all.empty() ? "" : "; ") +
               std::string(remark.weight == Weight::note   ? "note"
                           : remark.weight == Weight::near ? "near"
                                                           : "lost") +
               " " + (remark.directive.empty() ? remark.why : remark.directive);
    return all;
}

} // namespace mi::convert
