// A log line as JSON.
#include "base/printable.hpp"
#include "wire/log_format.hpp"

namespace mi::wire::logs {
namespace {

void append_base64(std::string& to, std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k)
            to += i + k > bytes.size() ? '=' : digits[group >> (18 - 6 * k) & 63];
    }
}

} // namespace

void append_json(std::string& to, std::string_view stamp, std::string_view unit, const Line& line) {
    to.append("{\"time\":\"").append(stamp).append("\",\"unit\":");
    (void)append_quoted(to, unit, Quoting::json);
    to.append(",\"priority\":\"").append(word_of(line.priority));
    to.append("\",\"stream\":\"").append(word_of(line.source));
    if (line.source >= Source::syslog)
        to.append("\",\"facility\":\"").append(word_of_facility(line.facility));
    to.append(line.unended ? "\",\"unended\":true,\"text\":" : "\",\"text\":");
    if (!append_quoted(to, line.text, Quoting::json)) {
        to.append(",\"base64\":\""); // the exact bytes
        append_base64(to, line.text);
        to.append("\"");
    }
    to.append("}\n");
}

} // namespace mi::wire::logs
