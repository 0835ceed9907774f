#include "os/machine/credential.hpp"

#include "base/directory.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"

namespace mi::os {

std::string credential_in_table(std::string_view table, std::string_view name) {
    // The table is a header with its own length, and then strings, each with a NUL (DMTF DSP0134).
    constexpr std::string_view key = "io.systemd.credential:";
    if (table.size() < 2 || table[0] != 11 || table.size() < static_cast<unsigned char>(table[1]))
        return {};
    for (std::string_view text : split(table.substr(static_cast<unsigned char>(table[1])), '\0')) {
        if (!text.starts_with(key))
            continue;
        text.remove_prefix(key.size());
        if (text.starts_with(name) && text.substr(name.size()).starts_with('='))
            return std::string(text.substr(name.size() + 1));
    }
    return {};
}

std::string machine_credential(std::string_view name, const std::vector<std::string>& words,
                               const std::string& firmware) {
    const std::string key = "systemd.set_credential=" + std::string(name) + ":";
    for (const std::string& word : words)
        if (word.starts_with(key))
            return word.substr(key.size());
    const std::string tables = firmware + "/dmi/entries";
    if (const auto entries = list_directory(tables))
        for (const DirectoryEntry& entry : *entries)
            if (entry.name.starts_with("11-"))
                if (std::string value =
                        credential_in_table(read_file(tables + "/" + entry.name + "/raw").value_or(""), name);
                    !value.empty())
                    return value;
    std::string file = firmware + "/qemu_fw_cfg/by_name/opt/io.systemd.credentials/";
    file.append(name).append("/raw");
    return std::string(trim(read_file(file).value_or("")));
}

} // namespace mi::os
