// A directory of a test's own, with what search paths look like in it; gone when the test is.
#pragma once

#include "config/load.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace mi::config {

class TestDirectory {
public:
    TestDirectory() {
        char name[] = "/tmp/miniinit-config-XXXXXX";
        root_ = ::mkdtemp(name);
    }
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;
    ~TestDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(root_, ignored);
    }

    [[nodiscard]] std::string path(std::string_view name) const { return root_ + '/' + std::string(name); }

    // Makes the file with its directories, not writable by others whatever the umask.
    void write(std::string_view name, std::string_view text, mode_t mode = 0644) const {
        make(std::filesystem::path(name).parent_path().string());
        std::ofstream(path(name)) << text;
        ::chmod(path(name).c_str(), mode);
    }
    void make(const std::string& directory) const {
        std::filesystem::path at = root_;
        for (const auto& part : std::filesystem::path(directory)) {
            at /= part;
            if (std::filesystem::create_directory(at))
                ::chmod(at.c_str(), 0755);
        }
    }
    void link(std::string_view target, std::string_view name) const {
        make(std::filesystem::path(name).parent_path().string());
        std::filesystem::create_symlink(target, path(name));
    }

    // etc, run and lib as search path, miniinit.toml as bundle, owned by whoever runs the test.
    [[nodiscard]] Source source() const {
        Source source;
        source.directories = {path("etc"), path("run"), path("lib")};
        source.config = path("miniinit.toml");
        source.owner = ::getuid();
        return source;
    }

private:
    std::string root_;
};

inline const core::Unit* find(const Loaded& loaded, std::string_view name) {
    for (const core::Unit& unit : loaded.units)
        if (unit.name == name)
            return &unit;
    return nullptr;
}

// "a b c": the names of all units.
inline std::string names(const Loaded& loaded) {
    std::string all;
    for (const core::Unit& unit : loaded.units)
        all += (all.empty() ? "" : " ") + unit.name;
    return all;
}

// The problems, one a line, with the directory of the test cut off.
inline std::string problems(const Loaded& loaded, const TestDirectory& directory) {
    std::string all;
    for (const Problem& problem : loaded.problems) {
        std::string line = brief(problem), root = directory.path("");
        for (std::size_t at = line.find(root); at != std::string::npos; at = line.find(root))
            line.erase(at, root.size());
        all += line + '\n';
    }
    return all;
}

} // namespace mi::config
