#include "convert/specifiers.hpp"

#include "base/text.hpp"
#include "convert/unit_file.hpp"

namespace mi::convert {

Specifiers::Specifiers(std::string_view unit, std::string_view name) : unit_(unit) {
    std::size_t dot = unit.rfind('.');
    stem_ = unit.substr(0, dot);
    suffix_ = dot == std::string_view::npos ? "" : unit.substr(dot);
    std::size_t at = stem_.find('@');
    prefix_ = stem_.substr(0, at);
    if (at != std::string::npos)
        instance_ = stem_.substr(at + 1);
    names_instance_ = name.find('@') != std::string_view::npos;
    template_ = stem_.ends_with('@') && name.ends_with('@');
}

Specifier Specifiers::find(char letter) const {
    using enum Specifier::Kind;
    auto last_part = [](const std::string& text) { return text.substr(text.rfind('-') + 1); };
    auto plain = [](std::string text) {
        return is_plain_text(text) ? Specifier{literal, std::move(text)}
                                   : Specifier{unknown, "stands for something that is not UTF-8"};
    };
    bool instance = letter == 'i' || letter == 'I' || letter == 'f' || letter == 'J' || letter == 'n' || letter == 'N';
    if (instance && !instance_known_)
        return {unknown, "has no equal: the process of a connection is no unit of its own"};
    switch (letter) {
    case '%': return {literal, "%"};
    case 'i': return template_ ? Specifier{placeholder, "${instance}"} : plain(instance_);
    case 'I':
        // A name of ours has none of the other escapes.
        if (template_)
            return {shell, "$(echo '${instance}' | tr - /)"};
        return plain(unescape_name(instance_, true));
    case 'n': return template_ ? Specifier{placeholder, "${name}" + suffix_} : plain(unit_);
    case 'N': return template_ ? Specifier{placeholder, "${name}"} : plain(stem_);
    case 'p': return plain(prefix_);
    case 'P': return plain(unescape_name(prefix_, true));
    case 'j': return plain(last_part(prefix_));
    case 'J': return plain(unescape_name(last_part(prefix_), true));
    case 'f':
        if (template_)
            return {shell, "/$(echo '${instance}' | tr - /)"};
        return plain("/" + unescape_name(instance_.empty() ? prefix_ : instance_, true));
    case 't': return {literal, "/run"};
    case 'S': return {literal, "/var/lib"};
    case 'C': return {literal, "/var/cache"};
    case 'L': return {literal, "/var/log"};
    case 'E': return {literal, "/etc"};
    case 'T': return {literal, "/tmp"};
    case 'V': return {literal, "/var/tmp"};
    case 'u': // of the manager, not of the service
    case 'g': return {literal, "root"};
    case 'U':
    case 'G': return {literal, "0"};
    case 'h': return {literal, "/root"};
    case 's': return {literal, "/bin/sh"};
    case 'H': return {shell, "$(cat /proc/sys/kernel/hostname)"};
    case 'l': return {shell, "$(sed 's/[.].*//' /proc/sys/kernel/hostname)"};
    case 'm': return {shell, "$(cat /etc/machine-id)"};
    case 'b': return {shell, "$(tr -d - </proc/sys/kernel/random/boot_id)"};
    case 'v': return {shell, "$(cat /proc/sys/kernel/osrelease)"};
    case 'a': return {unknown, "has no equal: systemd has names of its own for architectures"};
    case 'o': return {shell, "$(. /etc/os-release; echo \"$ID\")"};
    case 'w': return {shell, "$(. /etc/os-release; echo \"$VERSION_ID\")"};
    case 'B': return {shell, "$(. /etc/os-release; echo \"$BUILD_ID\")"};
    case 'W': return {shell, "$(. /etc/os-release; echo \"$VARIANT_ID\")"};
    case 'M': return {shell, "$(. /etc/os-release; echo \"$IMAGE_ID\")"};
    case 'A': return {shell, "$(. /etc/os-release; echo \"$IMAGE_VERSION\")"};
    case 'c':
    case 'r':
    case 'R': return {unknown, "has no equal: cgroups are named otherwise here"};
    case 'd': return {unknown, "has no equal: there are no credentials"};
    default: return {unknown, "is no specifier that is known"};
    }
}

std::expected<std::string, std::string> Specifiers::resolve(std::string_view value) const {
    std::string resolved, literal;
    for (std::size_t at = 0; at < value.size(); ++at) {
        if (value[at] != '%' || at + 1 == value.size()) {
            literal += value[at];
            continue;
        }
        Specifier found = find(value[++at]);
        if (found.kind == Specifier::Kind::literal) {
            literal += found.text;
        } else if (found.kind == Specifier::Kind::placeholder && !literal.ends_with('$')) {
            resolved += protect(literal) + found.text;
            literal.clear();
        } else {
            std::string specifier = std::string("%") + value[at] + " ";
            return std::unexpected(specifier + (found.kind == Specifier::Kind::unknown ? found.text
                                                : found.kind == Specifier::Kind::shell
                                                    ? "is known only when the service runs"
                                                    : "cannot be written behind a '$'"));
        }
    }
    return resolved + protect(literal);
}

std::string Specifiers::protect(std::string_view text) const {
    std::string safe;
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string_view rest = text.substr(at);
        if (rest.starts_with("${name}") || (names_instance_ && rest.starts_with("${instance}")))
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
