// A file being edited: kept apart, beside where it is to be, until it has been found good.
#pragma once

#include "base/result.hpp"
#include "config/load.hpp"

#include <string>

namespace mi::ctl {

class Draft {
public:
    // For `file` ("web.toml", "web.toml.d/override.toml") of the first directory of `source`, which will have no more than
    // `rights`.
    [[nodiscard]] static Result<Draft> make(const config::Source& source, const std::string& file,
                                            const config::Rights& rights);
    Draft(Draft&& other) noexcept;
    Draft& operator=(Draft&&) = delete;
    ~Draft(); // nothing of it is left

    // Lets the editor have it ($VISUAL, $EDITOR, vi), beginning with `text`; gives what it says then.
    [[nodiscard]] Result<std::string> edit(const std::string& text);
    // What would be wrong with the unit if it were in place; empty: nothing.
    [[nodiscard]] std::string problems(const std::string& unit) const;
    // Puts it in place.
    [[nodiscard]] Result<> place();

private:
    Draft(config::Source source, std::string directory, std::string file, const config::Rights& rights)
        : source_(std::move(source)), directory_(std::move(directory)), file_(std::move(file)), rights_(rights) {}
    [[nodiscard]] std::string path() const { return directory_ + "/" + file_; }

    config::Source source_;
    std::string directory_; // as a directory of the search path it would be the first one
    std::string file_;
    config::Rights rights_;
};

// Asks on the terminal. No terminal to ask on: no.
[[nodiscard]] bool confirm(const std::string& question);

} // namespace mi::ctl
