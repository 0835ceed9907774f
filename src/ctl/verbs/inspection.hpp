// Checks whether units fit the system that they are for: programs and their interpreters, accounts, files, other units.
// config checks each unit by itself.
#pragma once

#include "config/inspector.hpp"
#include "ctl/verbs/foreign_root.hpp"

#include <set>
#include <span>
#include <string>
#include <string_view>

namespace mi::ctl {

class Inspection : public config::Inspector {
public:
    // `loaded`: the units of the system; `files`: paths of further units.
    Inspection(const ForeignRoot& root, const config::Loaded& loaded, std::span<const std::string> files);
    // From now on a missing object is only a warning, because the units may be for another system.
    void only_warn(bool warn) { only_warns_ = warn; }

    void look(config::Reading& reading, const config::Node& tree, const core::Unit& unit) override;

private:
    struct Subject; // the unit being checked

    [[nodiscard]] bool is_known(const std::string& unit) const;
    [[nodiscard]] bool is_directory(const std::string& path) const;
    [[nodiscard]] bool will_be_skipped(const core::Unit& unit) const;
    void relations(Subject& subject);
    void commands(Subject& subject);
    void command(Subject& subject, const config::Node& node);
    void program(Subject& subject, const config::Node& at, const std::string& name);
    [[nodiscard]] std::string wrong_with(const std::string& file, const std::string& inside, const std::string& search,
                                         unsigned depth);
    [[nodiscard]] std::string wrong_with_binary(const ForeignRoot::Binary& binary, const std::string& file,
                                                const std::string& inside);
    [[nodiscard]] std::string find_program(const std::string& name, const std::string& inside,
                                           const std::string& search) const;
    void accounts(Subject& subject);
    void account(Subject& subject, const config::Node* node, bool group);
    void files(Subject& subject);
    void own_machine();

    const ForeignRoot& root_;
    std::string path_; // the manager's PATH
    std::set<std::string, std::less<>> units_, users_, groups_;
    bool only_warns_ = false;
    unsigned machine_ = 0;     // EM_* of the system's programs; 0: unknown
    std::string machine_file_; // the file that shows it
};

} // namespace mi::ctl
