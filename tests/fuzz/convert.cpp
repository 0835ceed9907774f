// Feeds any bytes to the converter, as a service with its socket, timer and drop-in, or as an init script. Nothing may crash or
// hang; whatever is made is taken by the reader without an error, and is the same the next time.
#include "convert/convert.hpp"
#include "config/load.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

using namespace mi;

namespace {

void must(bool truth) {
    if (!truth)
        std::abort();
}

// The pieces of the input, each a file.
class Files : public convert::Lookup {
public:
    explicit Files(std::string_view text) {
        const std::string directory = "/usr/lib/systemd/system/";
        for (const char* name : {"a.service", "a.socket", "a.timer", "a.service.d/b.conf", "a@.service", "b.target"}) {
            std::size_t end = text.find('\0');
            if (!text.substr(0, end).empty())
                files_[directory + name] = text.substr(0, end);
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
        files_["/etc/init.d/c"] = "#!/bin/sh\n" + files_[directory + "a.service"];
        files_["/etc/passwd"] = files_[directory + "a.timer"];
    }

    [[nodiscard]] std::optional<std::string> text(const std::string& path) const override {
        auto found = files_.find(path);
        return found == files_.end() ? std::nullopt : std::optional(found->second);
    }
    [[nodiscard]] bool is_mask(const std::string&) const override { return false; }
    [[nodiscard]] std::vector<std::string> names(const std::string& directory) const override {
        if (directory == "/usr/lib/systemd/system")
            return {"a.service", "a.socket", "a.timer", "a@.service", "b.target"};
        if (directory == "/usr/lib/systemd/system/a.service.d")
            return {"b.conf"};
        return {};
    }

private:
    std::map<std::string, std::string> files_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Files files(std::string_view(reinterpret_cast<const char*>(data), size));
    const std::vector<std::string> names = {"a.service", "a@.service", "a@x-y.service", "b.target", "a.timer",
                                            "a.socket",  "c"};
    const convert::SearchPath search_path = convert::search_path_of("");
    const std::vector<convert::Unit> units = convert::convert(names, search_path, files);
    for (const convert::Unit& unit : units) {
        must(!unit.name.empty() && (unit.fault.empty() != unit.toml.empty()));
        for (const convert::Remark& remark : unit.remarks)
            must(!convert::text(remark).empty() && !remark.why.empty());
        if (!unit.fault.empty())
            continue;
        for (const config::Problem& problem : config::read_text(unit.name, unit.toml, "made.toml").problems)
            must(problem.severity != config::Severity::error);
    }
    const std::vector<convert::Unit> again = convert::convert(names, search_path, files);
    must(again.size() == units.size());
    for (std::size_t at = 0; at < units.size(); ++at)
        must(again[at].toml == units[at].toml && again[at].remarks == units[at].remarks);
    return 0;
}
