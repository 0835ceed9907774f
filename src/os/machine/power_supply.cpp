#include "os/machine/power_supply.hpp"

#include "base/directory.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"

namespace mi::os {

bool on_mains(const std::string& directory) {
    const auto supplies = list_directory(directory);
    if (!supplies)
        return true;
    bool other = false;
    for (const DirectoryEntry& supply : *supplies) {
        const std::string path = directory + "/" + supply.name;
        // A mouse, say, has a battery of its own.
        if (const auto scope = read_file(path + "/scope"); scope && trim(*scope) == "Device")
            continue;
        const auto type = read_file(path + "/type");
        if (!type)
            continue;
        const bool mains = trim(*type) == "Mains" || trim(*type) == "USB";
        if (const auto online = read_file(path + "/online"); mains && online && trim(*online) == "1")
            return true;
        other = other || mains || trim(*type) == "Battery";
    }
    return !other;
}

} // namespace mi::os
