// A file that is being edited: it is kept in a separate directory beside its final place until it is found valid.
#pragma once

#include "base/result.hpp"
#include "config/load.hpp"

#include <string>

namespace mi::ctl {

class Draft {
public:
    // For `file` ("web.toml", "web.toml.d/override.toml") in the first directory of `source`; it will have at most
    // `rights`.
    [[nodiscard]] static Result<Draft> make(const config::Source& source, const std::string& file,
                                            const config::Rights& rights);
    Draft(Draft&& other) noexcept;
    Draft& operator=(Draft&&) = delete;
    ~Draft(); // removes all its files

    // Starts the editor ($VISUAL, $EDITOR, vi) with `text`; returns the edited text.
    [[nodiscard]] Result<std::string> edit(const std::string& text);
    // The problems that the unit would have with this file in place; empty: none.
    [[nodiscard]] std::string problems(const std::string& unit) const;
    // Puts the file in place.
    [[nodiscard]] Result<> place();

private:
    Draft(config::Source source, std::string directory, std::string file, const config::Rights& rights)
        : source_(std::move(source)), directory_(std::move(directory)), file_(std::move(file)), rights_(rights) {}
    [[nodiscard]] std::string path() const { return directory_ + "/" + file_; }

    config::Source source_;
    std::string directory_; // it is used as the first directory of the search path
    std::string file_;
    config::Rights rights_;
};

// Asks on the terminal; false without one.
[[nodiscard]] bool confirm(const std::string& question);

} // namespace mi::ctl
