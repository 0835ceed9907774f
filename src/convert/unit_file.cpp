#include "convert/unit_file.hpp"

#include "base/text.hpp"
#include "base/utf8.hpp"

namespace mi::convert {

namespace {

constexpr std::string_view blanks = " \t\r";

// Splits the first line off `text`.
std::string_view take_line(std::string_view& text) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

// True if the next line continues this one: it ends with a backslash that is not escaped.
bool goes_on(std::string_view line) {
    bool escaped = false;
    for (char letter : line)
        escaped = !escaped && letter == '\\';
    return escaped;
}

// Appends one line, after joining with its continuations. `section`: the present section; a line [NAME] changes it.
void read_line(UnitText& into, std::string_view text, const std::string& file, std::uint32_t number,
               std::string& section) {
    text = trim(text);
    const std::size_t equals = text.find('=');
    const std::string_view key = trim(text.substr(0, equals));
    auto bad = [&](std::string_view shown, std::string_view why) {
        into.bad.push_back({file, number, std::string(shown), why});
    };
    if (text.empty())
        return;
    if (!is_plain_text(text))
        return bad("", "the line is not UTF-8");
    if (text.front() == '[') {
        if (text.back() != ']' || text.size() < 3)
            return bad(text, "the name of a section has to end with ']'");
        section = text.substr(1, text.size() - 2);
    } else if (equals == text.npos || key.empty()) {
        bad(text, "the line assigns nothing");
    } else if (section.empty()) {
        bad(text, "it stands before the first section");
    } else if (!section.starts_with("X-")) { // systemd.unit(5): sections X-… are ignored
        into.assignments.push_back(
            {section, std::string(key), std::string(trim(text.substr(equals + 1))), file, number});
    }
}

} // namespace

std::vector<const Assignment*> UnitText::of(std::string_view section, std::string_view key) const {
    std::vector<const Assignment*> found;
    for (const Assignment& each : assignments)
        if (each.section == section && each.key == key)
            found.push_back(&each);
    return found;
}

std::string_view UnitText::value(std::string_view section, std::string_view key) const {
    const std::vector<const Assignment*> found = of(section, key);
    return found.empty() ? std::string_view{} : found.back()->value;
}

bool is_plain_text(std::string_view text) {
    return text.find('\0') == std::string_view::npos && valid_utf8(text) == text.size();
}

void read_unit_text(UnitText& into, std::string_view text, const std::string& file) {
    if (text.starts_with("\xef\xbb\xbf"))
        text.remove_prefix(3);
    std::string section, whole; // `whole`: the line so far, with its continuations
    std::uint32_t number = 0, began = 0;
    while (!text.empty()) {
        ++number;
        std::string_view line = take_line(text);
        line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.starts_with('#') || line.starts_with(';'))
            continue; // comments are allowed between the parts of a continued line
        if (began == 0)
            began = number;
        if (goes_on(line)) {
            whole += line.substr(0, line.size() - 1);
            whole += ' ';
            continue;
        }
        read_line(into, whole.append(line), file, began, section);
        whole.clear();
        began = 0;
    }
    read_line(into, whole, file, began, section);
}

} // namespace mi::convert
