// `minictl convert`: reads files of other inits and writes TOML; the room convert does the conversion.
#include "convert/convert.hpp"

#include "base/unreachable.hpp"
#include "config/files.hpp"
#include "config/load.hpp"
#include "ctl/verbs/rights.hpp"
#include "ctl/verbs/verbs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

namespace mi::ctl {

namespace {

// Reads files below `root` inside it, even through links; files outside as they are named.
class Files : public convert::Lookup {
public:
    explicit Files(std::string root) : root_(std::move(root)) {
        inside_.allow_insecure = outside_.allow_insecure = true;
    }

    [[nodiscard]] std::optional<std::string> text(const std::string& path) const override {
        const auto& [source, rest] = place(path);
        config::Content content = config::read_path(source, rest, config::largest_unit);
        if (content.kind != config::Content::Kind::text)
            return std::nullopt;
        rights_.insert_or_assign(path, content.rights);
        return std::move(content.text);
    }

    [[nodiscard]] bool is_mask(const std::string& path) const override {
        const auto& [source, rest] = place(path);
        return config::read_path(source, rest, config::largest_unit).kind == config::Content::Kind::mask;
    }

    [[nodiscard]] std::vector<std::string> names(const std::string& directory) const override {
        const auto& [source, rest] = place(directory);
        std::vector<std::string> names;
        if (auto opened = config::open_directory(source, rest))
            for (config::Entry& entry : opened->entries)
                names.push_back(std::move(entry.name));
        return names;
    }

    // The rights that all of `files` grant to users who may read the result.
    [[nodiscard]] config::Rights rights_of(const std::vector<std::string>& files) const {
        config::Rights rights;
        for (const std::string& file : files)
            if (auto read = rights_.find(file); read != rights_.end())
                rights.limit(read->second);
        return rights;
    }

private:
    [[nodiscard]] std::pair<config::Source, std::string> place(const std::string& path) const {
        if (root_.empty() || !path.starts_with(root_ + "/"))
            return {outside_, path};
        config::Source source = inside_;
        source.root = root_;
        return {std::move(source), path.substr(root_.size())};
    }

    std::string root_;
    config::Source inside_, outside_;
    mutable std::map<std::string, config::Rights> rights_; // of the files that were read
};

std::string_view word(convert::Weight weight) {
    switch (weight) {
    case convert::Weight::note: return "note";
    case convert::Weight::near: return "near";
    case convert::Weight::lost: return "lost";
    }
    unreachable("there is no other weight of a remark");
}

struct RemarkLine {
    std::string file;
    std::uint32_t line = 0;
    std::string directive, weight, why;
    static void fields(auto& self, auto&& visit) {
        visit("file", self.file);
        visit("line", self.line);
        visit("directive", self.directive);
        visit("weight", self.weight);
        visit("why", self.why);
    }
};
struct ConvertedUnit {
    std::string unit, fault, toml;
    std::vector<std::string> files;
    std::vector<RemarkLine> remarks;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("fault", self.fault);
        visit("toml", self.toml);
        visit("files", self.files);
        visit("remarks", self.remarks);
    }
};
struct ConvertedUnits {
    std::vector<ConvertedUnit> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};

// Writes a file that must not exist yet; returns an error, or empty.
std::string write_new(const std::string& path, std::string_view text, const config::Rights& rights) {
    Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd)
        return errno == EEXIST ? path + " is there already: it is not written over" : Fault{errno, "make", path}.text();
    if (auto given = set_rights(fd.get(), rights); !given)
        return path + ": " + given.error().text();
    if (!write_all(fd.get(), text))
        return Fault{errno, "write", path}.text();
    return {};
}

} // namespace

int convert_files(Context& context) {
    const Arguments& arguments = context.arguments;
    const convert::SearchPath search_path = convert::search_path_of(arguments.root);
    const Files files(search_path.root);
    std::vector<convert::Unit> units = convert::convert(arguments.words, search_path, files);
    const auto made = std::ranges::count_if(units, [](const convert::Unit& unit) { return unit.fault.empty(); });
    if (made > 1 && arguments.output.empty() && !arguments.json)
        return context.fail("these are " + std::to_string(made) + " units: --output DIR takes a file for each", usage);
    ConvertedUnits all;
    std::string remarks, texts;
    int code = done;
    auto complain = [&](const std::string& message) { code = context.fail(message, failed); };
    for (convert::Unit& unit : units) {
        for (const convert::Remark& remark : unit.remarks) {
            remarks += convert::text(remark) + "\n";
            if (remark.weight == convert::Weight::lost || (arguments.strict && remark.weight == convert::Weight::near))
                code = failed;
        }
        if (!unit.fault.empty()) {
            complain(harmless(unit.files.empty() ? unit.name : unit.files.front()) + ": " + harmless(unit.fault));
        } else {
            // The reader of units decides whether the result is valid.
            for (const config::Problem& problem : config::read_text(unit.name, unit.toml, unit.name + ".toml").problems)
                if (problem.severity == config::Severity::error)
                    complain("what was made of it is not accepted: " + config::brief(problem));
            if (!arguments.output.empty())
                if (std::string wrong =
                        write_new(arguments.output + "/" + unit.name + ".toml", unit.toml, files.rights_of(unit.files));
                    !wrong.empty())
                    complain(wrong);
            texts += unit.toml;
        }
        ConvertedUnit& one = all.units.emplace_back();
        for (const convert::Remark& remark : unit.remarks)
            one.remarks.push_back(
                {remark.file, remark.line, remark.directive, std::string(word(remark.weight)), remark.why});
        one.unit = std::move(unit.name);
        one.fault = std::move(unit.fault);
        one.toml = std::move(unit.toml);
        one.files = std::move(unit.files);
    }
    context.note(remarks);
    if (arguments.json)
        return context.print_json(all) == done ? code : failed;
    if (arguments.output.empty() && context.print(texts) != done)
        return failed;
    return code;
}

} // namespace mi::ctl
