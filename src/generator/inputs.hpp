// Reads files for the conversion as native units are read, with the same checks of who could have written them, and keeps
// account of every path that the result depends on.
#pragma once

#include "config/files.hpp"
#include "convert/convert.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mi::generator {

class Inputs : public convert::Lookup {
public:
    explicit Inputs(const config::Source& source) : source_(source) {}

    [[nodiscard]] std::optional<std::string> text(const std::string& path) const override;
    [[nodiscard]] bool is_mask(const std::string& path) const override;
    [[nodiscard]] std::string link(const std::string& path) const override;
    [[nodiscard]] std::vector<std::string> names(const std::string& directory) const override;

    // The mode of a file that is made from all of `files`: it can be read only by users who could read them all.
    [[nodiscard]] mode_t mode_for(const std::vector<std::string>& files) const;
    // The paths that were looked at.
    [[nodiscard]] std::vector<std::string> paths() const;
    // What was not used as others can write it, a sentence each.
    [[nodiscard]] std::vector<std::string> take_refused() { return std::move(refused_); }

private:
    struct Known {
        bool listed = false, read = false;
        config::Directory directory; // without a descriptor: it cannot be read
        config::Content content;
    };
    [[nodiscard]] const Known* above(const std::string& path) const;
    const config::Directory& directory(const std::string& path) const;
    const config::Content& content(const std::string& path) const;

    const config::Source& source_;
    mutable std::map<std::string, Known> known_;
    mutable std::vector<std::string> refused_;
};

} // namespace mi::generator
