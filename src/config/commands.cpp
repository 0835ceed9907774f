#include "config/commands.hpp"

#include "config/command_words.hpp"
#include "config/syntax.hpp"

#include <algorithm>
#include <vector>

namespace mi::config {

namespace {

// A word of a command. `plain` has a '1' for each byte that neither quotes nor a backslash protect.
struct Word {
    std::string text, plain;

    void add(char letter, bool is_plain) {
        text += letter;
        plain += is_plain ? '1' : '0';
    }
    [[nodiscard]] bool all_plain() const { return plain.find('0') == std::string::npos; }
    [[nodiscard]] bool plain_at(std::size_t at) const { return at < plain.size() && plain[at] == '1'; }
};

// Ignores all other errors in the command.
std::vector<Word> words_of(std::string_view text) {
    std::vector<Word> words;
    (void)split_words(
        text, [&] { words.emplace_back(); }, [&](char letter, bool plain) { words.back().add(letter, plain); });
    return words;
}

// Whether a variable name can begin with `c`: a letter or _.
bool begins_name(char c) { return is_shell_variable_name({&c, 1}); }

// `&&`, `||`, `|`, `;`, `&`, `>`, `2>&1`, `</dev/null`.
bool is_operator(std::string_view word) {
    for (std::string_view each : {"&&", "||", "|", ";", "&", "|&"})
        if (word == each)
            return true;
    if (word.starts_with("&>"))
        return true;
    if (word.size() > 1 && word.front() >= '0' && word.front() <= '9')
        word.remove_prefix(1);
    return word.starts_with('>') || word.starts_with('<');
}

bool begins_home(std::string_view word) { return word == "~" || word.starts_with("~/"); }

// Whether `$` at `at` begins a variable or a substitution.
bool begins_variable(std::string_view word, std::size_t at) {
    return word[at] == '$' && at + 1 < word.size() &&
           (begins_name(word[at + 1]) || word[at + 1] == '{' || word[at + 1] == '(');
}

bool is_for_a_shell(const Word& word, bool first) {
    if (word.text.empty())
        return false;
    if (word.all_plain() && is_operator(word.text))
        return true;
    if (word.plain_at(0) &&
        (begins_home(word.text) || (word.text.front() == '~' && word.text.size() > 1 && begins_name(word.text[1]))))
        return true;
    if (word.text.back() == ';' && word.plain.back() == '1')
        return true;
    const std::size_t equals = word.text.find('=');
    if (first && equals != std::string::npos && is_shell_variable_name(std::string_view(word.text).substr(0, equals)))
        return true;
    for (std::size_t at = 0; at < word.text.size(); ++at)
        if (word.plain_at(at) && (begins_variable(word.text, at) || word.text[at] == '`'))
            return true;
    return false;
}

// Whether the program has its own language in which $NAME, ; and > have a meaning.
bool has_a_language(std::string_view program) {
    program = program.substr(program.rfind('/') + 1);
    for (std::string_view each :
         {"sh",   "bash", "dash", "ash",  "zsh",  "ksh",  "mksh", "fish", "busybox", "awk",   "gawk",
          "mawk", "perl", "sed",  "find", "expr", "test", "[",    "php",  "ruby",    "tclsh", "expect"})
        if (program == each)
            return true;
    return false;
}

// A word of an array needs no quotes, so only words that are almost certainly meant for a shell count.
bool is_for_a_shell(std::string_view word) {
    if (is_operator(word) && word != ";" && word.find_first_of("/ ") == std::string_view::npos)
        return true;
    if (begins_home(word))
        return true;
    if (word.find_first_of(" \t\n\\^") != std::string_view::npos)
        return false;
    for (std::size_t at = word.find('$'); at != std::string_view::npos; at = word.find('$', at + 1))
        if (begins_variable(word, at) && (at == 0 || word[at - 1] == '=' || word[at - 1] == '/' || word[at - 1] == ':'))
            return true;
    return false;
}

class Checker {
public:
    Checker(Reading& reading, std::string_view key) : reading_(reading), key_(key) {}

    // One command: a string, or an array of strings.
    void command(const Node& node) const {
        if (node.kind == Node::Kind::text) {
            if (const std::string word = shell_word(node.text); !word.empty())
                warn(node, word);
            return;
        }
        if (node.kind != Node::Kind::array || node.items.empty() || has_a_language(node.items.front().text))
            return;
        for (const Node& item : node.items)
            if (item.kind == Node::Kind::text && is_for_a_shell(item.text))
                return warn(item, item.text);
    }

    // One command in a string, or several in an array.
    void commands(const Node& node) const {
        if (node.kind == Node::Kind::text)
            return command(node);
        for (const Node& item : node.items)
            command(item);
    }

private:
    void warn(const Node& at, std::string_view word) const {
        reading_.warning(at.place,
                         "`" + std::string(key_) + "`: no shell reads this, so \"" + std::string(word) +
                             "\" is passed on as it stands",
                         key_ == "command" ? "`script` is run by a shell"
                                           : "[\"/bin/sh\", \"-c\", \"…\"] is run by a shell, as `script` is");
    }

    Reading& reading_;
    std::string_view key_;
};

} // namespace

std::string shell_word(std::string_view command) {
    const std::vector<Word> words = words_of(command);
    const auto found =
        std::ranges::find_if(words, [&](const Word& word) { return is_for_a_shell(word, &word == words.data()); });
    return found != words.end() ? found->text : std::string();
}

void check_commands(Reading& reading, const Node& tree) {
    const Node* service = tree.find("service");
    if (service == nullptr || service->kind != Node::Kind::table)
        return;
    for (std::string_view key : {"command", "reload-command"})
        if (const Node* node = service->find(key))
            Checker(reading, key).command(*node);
    for (std::string_view key : {"pre-start", "post-start", "stop-command", "post-stop"})
        if (const Node* node = service->find(key))
            Checker(reading, key).commands(*node);
}

} // namespace mi::config
