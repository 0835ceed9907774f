// The %-specifiers of systemd.unit(5): some are resolved when a unit is converted; others become shell code.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// A text after its specifiers and variables were resolved.
struct Word {
    struct Piece {
        enum class Kind { text, variable, shell };
        Kind kind = Kind::text;
        std::string text; // text for a TOML string; the name of a variable; shell code to be put between double quotes
    };
    std::vector<Piece> pieces;
    bool splits = false; // it is a lone $NAME, which becomes as many words as its value has

    [[nodiscard]] bool plain() const; // true if it has no variables and no shell code
    [[nodiscard]] std::string text() const;
};

struct Specifier {
    enum class Kind {
        literal,     // `text` as it is
        placeholder, // ${name}, ${instance} or ${instance-path}, which the reader of our units fills in
        shell,       // `text` is shell code: the value is known only when the service starts
        unknown,     // it cannot be resolved; `text` gives the reason
    };
    Kind kind = Kind::unknown;
    std::string text;
};

// Resolves the specifiers of one unit. `unit` is systemd's name, `foo.service`, `foo@.service` or `foo@bar.service`; `name`
// is the name that the unit gets here.
class Specifiers {
public:
    Specifiers() = default;
    Specifiers(std::string_view unit, std::string_view name);

    // Resolves all specifiers of `value`, for a TOML string. The error is a phrase for people.
    [[nodiscard]] std::expected<std::string, std::string> resolve(std::string_view value) const;
    // Resolves a word of a command, where shell code is possible. `variables`: $NAME and ${NAME} in it are variables.
    [[nodiscard]] std::expected<Word, std::string> expand(std::string_view word, bool variables) const {
        return expand(word, variables, true);
    }
    // Escapes `${name}` and the like in a foreign text, so that they are not taken for placeholders.
    [[nodiscard]] std::string protect(std::string_view text) const;
    // For units with Accept=yes: systemd's instance name of a connection does not exist here.
    void forget_instance() { template_ = false, instance_known_ = false; }

private:
    [[nodiscard]] Specifier find(char letter) const;
    [[nodiscard]] Specifier of_name(char letter) const;
    [[nodiscard]] std::expected<Word, std::string> expand(std::string_view raw, bool variables, bool in_command) const;

    std::string unit_, stem_, suffix_, prefix_, instance_;
    bool template_ = false, instance_known_ = true, names_instance_ = false;
};

// Undoes the escapes \xNN of systemd-escape(1), and with `dashes` also '-' for '/'.
[[nodiscard]] std::string unescape_name(std::string_view text, bool dashes);

} // namespace mi::convert
