// `keys`: lists the keys of a unit, for people and completions.
#include "config/keys.hpp"
#include "ctl/verbs/verbs.hpp"

#include <algorithm>

namespace mi::ctl {

namespace {

struct KeyLine {
    std::string key, type, fallback, help; // "service.restart"; `fallback` as TOML
    static void fields(auto& self, auto&& visit) {
        visit("key", self.key);
        visit("type", self.type);
        visit("default", self.fallback);
        visit("help", self.help);
    }
};
struct KeyLines {
    std::vector<KeyLine> keys;
    static void fields(auto& self, auto&& visit) { visit("keys", self.keys); }
};

} // namespace

int show_keys(Context& context) {
    const std::vector<std::string>& words = context.arguments.words;
    KeyLines all;
    std::size_t width = 0;
    for (const config::KeyInfo& row : config::unit_keys()) {
        if (!words.empty() && row.section != words[0])
            continue;
        std::string key = row.section.empty() ? "" : std::string(row.section) + ".";
        key += row.key;
        width = std::max(width, key.size());
        all.keys.push_back({std::move(key), std::string(row.type), std::string(row.fallback), std::string(row.help)});
    }
    if (all.keys.empty())
        return context.fail("there is no table [" + harmless(words[0]) + "] in a unit", refused);
    if (context.arguments.json)
        return context.print_json(all);
    std::string text;
    for (const KeyLine& one : all.keys)
        text +=
            fitted(one.key, width) + "  " + one.type + (one.fallback.empty() ? "" : ", default " + one.fallback) + "\n";
    return context.print(text);
}

} // namespace mi::ctl
