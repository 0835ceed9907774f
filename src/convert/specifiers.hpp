// The %-specifiers of systemd.unit(5): what is known when a unit is converted, and how the rest is found out when it runs.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// A text whose specifiers and variables are resolved as far as that is possible.
struct Word {
    struct Piece {
        enum class Kind { text, variable, shell };
        Kind kind = Kind::text;
        std::string text; // ready for TOML; the name of a variable; what a shell has to run, between double quotes
    };
    std::vector<Piece> pieces;
    bool splits = false; // a lone $NAME: as many words as it holds

    [[nodiscard]] bool plain() const; // text alone
    [[nodiscard]] std::string text() const;
};

struct Specifier {
    enum class Kind {
        literal,     // `text` as it is
        placeholder, // ${name} or ${instance}, which stands for something only in a TOML string
        shell,       // known when the service starts: `text` between double quotes of a shell
        unknown,     // `text` says why
    };
    Kind kind = Kind::unknown;
    std::string text;
};

// For one unit, `foo.service`, `foo@.service` or `foo@bar.service`; `name` is what it is called here.
class Specifiers {
public:
    Specifiers() = default;
    Specifiers(std::string_view unit, std::string_view name);

    // `value` with all of them resolved, ready for a TOML string; the error is a phrase for people.
    [[nodiscard]] std::expected<std::string, std::string> resolve(std::string_view value) const;
    // A word of a command, in which a shell can resolve what is not known before. `variables`: whether $NAME is one.
    [[nodiscard]] std::expected<Word, std::string> expand(std::string_view word, bool variables) const {
        return expand(word, variables, true);
    }
    // Keeps `${name}` and `${instance}` of a text from being taken for ours.
    [[nodiscard]] std::string protect(std::string_view text) const;
    // A connection's process has no instance.
    void forget_instance() { template_ = false, instance_known_ = false; }

private:
    [[nodiscard]] Specifier find(char letter) const;
    [[nodiscard]] Specifier of_name(char letter) const;
    [[nodiscard]] std::expected<Word, std::string> expand(std::string_view raw, bool variables, bool in_command) const;

    std::string unit_, stem_, suffix_, prefix_, instance_;
    bool template_ = false, instance_known_ = true, names_instance_ = false;
};

// `text` with systemd's \xNN and '-' (for '/') undone.
[[nodiscard]] std::string unescape_name(std::string_view text, bool dashes);

} // namespace mi::convert
