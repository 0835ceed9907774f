#include "convert/specifiers.hpp"

#include "base/text.hpp"
#include "config/syntax.hpp"
#include "convert/unit_file.hpp"

#include <algorithm>
#include <span>

namespace mi::convert {

namespace {

using enum Specifier::Kind;

// Specifiers that do not depend on the name of the unit.
struct Fixed {
    std::string_view letters, text;
};
// %u, %h and the like describe the manager, not the service.
constexpr Fixed literals[] = {
    {"%", "%"},    {"t", "/run"},     {"S", "/var/lib"}, {"C", "/var/cache"}, {"L", "/var/log"}, {"E", "/etc"},
    {"T", "/tmp"}, {"V", "/var/tmp"}, {"ug", "root"},    {"UG", "0"},         {"h", "/root"},    {"s", "/bin/sh"},
};
constexpr Fixed commands[] = {
    {"H", "cat /proc/sys/kernel/hostname"},
    {"l", "sed 's/[.].*//' /proc/sys/kernel/hostname"},
    {"m", "cat /etc/machine-id"},
    {"b", "tr -d - </proc/sys/kernel/random/boot_id"},
    {"v", "cat /proc/sys/kernel/osrelease"},
};
constexpr Fixed os_release[] = {
    {"o", "ID"}, {"w", "VERSION_ID"}, {"B", "BUILD_ID"}, {"W", "VARIANT_ID"}, {"M", "IMAGE_ID"}, {"A", "IMAGE_VERSION"},
};
constexpr Fixed unknowns[] = {
    {"a", "has no equal: systemd has names of its own for architectures"},
    {"crR", "has no equal: cgroups are named otherwise here"},
    {"d", "is known only when the service runs: CREDENTIALS_DIRECTORY is set in its environment"},
};
// The text that a table has for a letter; empty if it has none.
std::string text_of(std::span<const Fixed> table, char letter) {
    for (const Fixed& each : table)
        if (each.letters.find(letter) != each.letters.npos)
            return std::string(each.text);
    return {};
}

Specifier plain_or_unknown(std::string text) {
    if (is_plain_text(text))
        return {literal, std::move(text)};
    return {unknown, "stands for something that is not UTF-8"};
}

} // namespace

bool Word::plain() const {
    return std::ranges::all_of(pieces, [](auto& each) { return each.kind == Piece::Kind::text; });
}

std::string Word::text() const {
    std::string all;
    for (const Piece& piece : pieces)
        all += piece.text;
    return all;
}

Specifiers::Specifiers(std::string_view unit, std::string_view name) : unit_(unit) {
    const std::size_t dot = unit.rfind('.');
    stem_ = unit.substr(0, dot);
    suffix_ = dot == unit.npos ? "" : unit.substr(dot);
    const std::size_t at = stem_.find('@');
    prefix_ = stem_.substr(0, at);
    if (at != stem_.npos)
        instance_ = stem_.substr(at + 1);
    names_instance_ = name.find('@') != name.npos;
    template_ = stem_.ends_with('@') && name.ends_with('@');
}

Specifier Specifiers::find(char letter) const {
    if (std::string_view("iIfJnN").find(letter) != std::string_view::npos && !instance_known_)
        return {unknown, "has no equal: the process of a connection is no unit of its own"};
    if (std::string_view("iInNpPjJf").find(letter) != std::string_view::npos)
        return of_name(letter);
    if (std::string text = text_of(literals, letter); !text.empty())
        return {literal, std::move(text)};
    if (const std::string command = text_of(commands, letter); !command.empty())
        return {shell, "$(" + command + ")"};
    if (const std::string variable = text_of(os_release, letter); !variable.empty())
        return {shell, "$(. /etc/os-release; echo \"$" + variable + "\")"};
    const std::string why = text_of(unknowns, letter);
    return {unknown, why.empty() ? "is no specifier that is known" : why};
}

// The specifiers that depend on the name of the unit.
Specifier Specifiers::of_name(char letter) const {
    const std::string last_part = prefix_.substr(prefix_.rfind('-') + 1);
    const std::string path = "${instance-path}"; // names here have no \xNN: only '-' becomes '/'
    switch (letter) {
    case 'i': return template_ ? Specifier{placeholder, "${instance}"} : plain_or_unknown(instance_);
    case 'I': return template_ ? Specifier{placeholder, path} : plain_or_unknown(unescape_name(instance_, true));
    case 'n': return template_ ? Specifier{placeholder, "${name}" + suffix_} : plain_or_unknown(unit_);
    case 'N': return template_ ? Specifier{placeholder, "${name}"} : plain_or_unknown(stem_);
    case 'p': return plain_or_unknown(prefix_);
    case 'P': return plain_or_unknown(unescape_name(prefix_, true));
    case 'j': return plain_or_unknown(last_part);
    case 'J': return plain_or_unknown(unescape_name(last_part, true));
    default: break; // 'f'
    }
    const std::string& named = instance_.empty() ? prefix_ : instance_;
    return template_ ? Specifier{placeholder, "/" + path} : plain_or_unknown("/" + unescape_name(named, true));
}

std::expected<Word, std::string> Specifiers::expand(std::string_view raw, bool variables, bool in_command) const {
    Word word;
    std::string text;
    auto add = [&](Word::Piece::Kind kind, std::string piece) {
        if (!text.empty())
            word.pieces.push_back({Word::Piece::Kind::text, protect(text)});
        text.clear();
        if (!piece.empty())
            word.pieces.push_back({kind, std::move(piece)});
    };
    if (variables && raw.starts_with('$') && config::is_shell_variable_name(raw.substr(1))) {
        word.splits = true;
        add(Word::Piece::Kind::variable, std::string(raw.substr(1)));
        return word;
    }
    while (!raw.empty()) {
        std::size_t taken = 1;
        if (raw.starts_with('%') && raw.size() > 1) {
            taken = 2;
            Specifier found = find(raw[1]);
            const std::string specifier = std::string(raw.substr(0, 2)) + " ";
            if (found.kind == unknown)
                return std::unexpected(specifier + found.text);
            if (found.kind == shell && !in_command)
                return std::unexpected(specifier + "is known only when the service runs");
            if (found.kind == placeholder && text.ends_with('$')) // "$${" would be read as an escaped "${"
                return std::unexpected(specifier + "cannot be written behind a '$'");
            if (found.kind == literal)
                text += found.text;
            else
                add(found.kind == shell ? Word::Piece::Kind::shell : Word::Piece::Kind::text, std::move(found.text));
        } else if (variables && raw.starts_with("$$")) {
            taken = 2;
            text += '$';
        } else if (variables && raw.starts_with("${") && raw.find('}') != raw.npos) {
            const std::string name(raw.substr(2, raw.find('}') - 2));
            if (!config::is_shell_variable_name(name))
                return std::unexpected("\"${" + name + "}\" is more than the name of a variable");
            taken = name.size() + 3;
            add(Word::Piece::Kind::variable, name);
        } else {
            text += raw.front();
        }
        raw.remove_prefix(taken);
    }
    add(Word::Piece::Kind::text, {});
    return word;
}

std::expected<std::string, std::string> Specifiers::resolve(std::string_view value) const {
    const std::expected<Word, std::string> word = expand(value, false, false);
    if (!word)
        return std::unexpected(word.error());
    return word->text();
}

std::string Specifiers::protect(std::string_view text) const {
    std::string safe;
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string_view rest = text.substr(at);
        if (rest.starts_with("${name}") ||
            (names_instance_ && (rest.starts_with("${instance}") || rest.starts_with("${instance-path}"))))
            safe += '$';
        safe += text[at];
    }
    return safe;
}

std::string unescape_name(std::string_view text, bool dashes) {
    std::string name;
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::optional<unsigned> byte;
        if (text.substr(at).starts_with("\\x") && at + 4 <= text.size())
            byte = to_number<unsigned>(text.substr(at + 2, 2), 16);
        if (byte && *byte != 0) {
            name += static_cast<char>(*byte);
            at += 3;
        } else {
            name += dashes && text[at] == '-' ? '/' : text[at];
        }
    }
    return name;
}

} // namespace mi::convert
