#include "ctl/completion.hpp"

#include "base/signals.hpp"
#include "base/text.hpp"
#include "config/keys.hpp"
#include "ctl/listing.hpp"
#include "ctl/options.hpp"
#include "ctl/unit_names.hpp"
#include "ctl/verbs/words.hpp"

#include <algorithm>
#include <csignal>

namespace mi::ctl {

namespace {

// People do not wait long for a completion.
constexpr Span patience = std::chrono::seconds(2);

class Completer {
public:
    explicit Completer(const std::vector<std::string>& words) : words_(words) {}

    Completions complete() {
        // bash splits `--for=up` into several words.
        std::string last = words_.back() == "=" ? "" : words_.back();
        std::size_t before = words_.size() - 1; // number of complete words
        if (words_.back() == "=" && before > 0)
            --before;
        else if (before > 1 && words_[before - 1] == "=")
            before -= 2;
        const bool assigned = before + 1 != words_.size();
        read_words(assigned ? before + 1 : before);
        start_ = last;
        if (ended_ && verb_ != nullptr && (verb_->takes & takes_run) != 0)
            result_.files = true; // the operands of a command are often files
        else if (valued_ != nullptr)
            value(*valued_);
        else if (const std::size_t equals = last.find('='); last.starts_with("--") && equals != std::string::npos)
            assigned_value(last, equals);
        else if (last.starts_with('-') && !ended_)
            option_or_value(last);
        else if (verb_ == nullptr)
            verb_names();
        else
            operand();
        return std::move(result_);
    }

private:
    // Reads the words before the last one: the verb, the options that choose the init, and whether a value comes next.
    void read_words(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::string& word = words_[i];
            if (word == "=")
                continue;
            if (valued_ != nullptr) {
                (void)valued_->set(arguments_, word);
                valued_ = nullptr;
            } else if (word == "--" && verb_ != nullptr) {
                ended_ = true;
            } else if (word.size() > 1 && word[0] == '-' && !ended_) {
                option(word);
            } else if (verb_ == nullptr) {
                verb_ = verb_called(word).verb;
                options_ = options_of(verb_ != nullptr ? *verb_ : before_verb);
            } else {
                operands_.push_back(word);
                ended_ = ended_ || (verb_->takes & takes_run) != 0;
            }
        }
    }
    void option(const std::string& word) {
        if (word[1] != '-') {
            letters(word);
            return;
        }
        const std::size_t equals = word.find('=');
        const Option* option = option_of_word(options_, word.substr(0, equals));
        if (option == nullptr)
            return;
        if (equals != std::string::npos || option->value.empty() || option->may_lack_value())
            (void)option->set(arguments_, equals == std::string::npos ? "" : word.substr(equals + 1));
        else
            valued_ = option;
    }

    // "-fo": several letters; the rest of the word after a letter that takes a value is the value: "-ojson". Returns
    // the position in the word where that value begins (behind the word, if it is the next word); npos: no letter takes
    // a value.
    std::size_t letters(const std::string& word) {
        for (std::size_t i = 1; i < word.size(); ++i) {
            const Option* option = option_of_word(options_, std::string("-") + word[i]);
            if (option == nullptr)
                return std::string::npos;
            if (option->value.empty() || option->may_lack_value()) {
                (void)option->set(arguments_, "");
                continue;
            }
            if (i + 1 == word.size())
                valued_ = option;
            else
                (void)option->set(arguments_, word.substr(i + 1));
            of_letter_ = option;
            return i + 1;
        }
        return std::string::npos;
    }
    // Completes the word being typed: the name of an option, or letters with the beginning of a value.
    void option_or_value(const std::string& last) {
        const std::size_t at = last.size() > 1 && last[1] != '-' ? letters(last) : std::string::npos;
        if (at == std::string::npos)
            return options();
        prefix_ = last.substr(0, at);
        start_ = last.substr(at);
        value(*of_letter_);
    }

    void add(std::string word, std::string_view help = {}) {
        if (word.starts_with(start_))
            result_.candidates.push_back({prefix_ + word, harmless(help)});
    }
    void options() {
        for (const Option& one : options_)
            if (!one.help.empty() && *one.name != 0)
                add(one.word(), one.help);
    }
    void verb_names() {
        for (const Verb& verb : verbs())
            if ((verb.takes & called_by_name) == 0)
                add(std::string(verb.name), verb.summary);
        // Words of other programs are only accepted from users who know them, and not offered beside our own.
        if (result_.candidates.empty())
            for (const OtherWord& other : other_words())
                if (!other.means.empty())
                    add(std::string(other.word), "minictl " + std::string(other.means));
    }
    void assigned_value(const std::string& last, std::size_t equals) {
        if (const Option* option = option_of_word(options_, last.substr(0, equals))) {
            prefix_ = last.substr(0, equals + 1);
            start_ = last.substr(equals + 1);
            value(*option);
        }
    }

    void value(const Option& option) {
        const std::string_view kind = option.value;
        if (option.choices != nullptr)
            for (std::string_view word : option.choices())
                add(std::string(word));
        else if (kind == "UNIT")
            units();
        else if (kind == "KEY=VALUE")
            for (const config::KeyInfo& row : config::unit_keys())
                add((row.section.empty() ? "" : std::string(row.section) + ".") + std::string(row.key) + "=", row.help);
        else if (kind == "PATH" || kind == "DIR" || kind == "FILE")
            result_.files = true;
    }
    void operand() {
        const std::string_view kinds = verb_->operands;
        const std::string_view name = verb_->name;
        if (operands_.size() >= verb_->most)
            return;
        if (kinds.contains("FILE") || kinds.contains("DIR") || kinds.contains("COMMAND"))
            result_.files = true;
        if (name == "signal" && operands_.empty())
            signals();
        else if (kinds == "[VERB]")
            verb_names();
        else if (name == "keys")
            sections();
        else if (kinds == "SHELL")
            for (std::string_view shell : split("bash zsh fish", ' '))
                add(std::string(shell));
        else if (kinds.contains("UNIT") || name == "target")
            units();
    }
    void signals() {
        for (int number = 1; number < SIGRTMIN; ++number)
            if (const std::string word = signal_name(number); word.starts_with("SIG"))
                add(start_.starts_with("SIG") ? word : word.substr(3));
    }
    void sections() {
        std::string_view before;
        for (const config::KeyInfo& row : config::unit_keys())
            if (row.section != before)
                add(std::string(before = row.section));
    }
    void units() {
        static constexpr Verb quiet{};
        const Context context{arguments_, verb_ != nullptr ? *verb_ : quiet, {}, {}};
        auto client = context.connect();
        if (!client || client->send(wire::List{.all = true}, true))
            return;
        for (bool continues = true; continues;) {
            auto answer = client->next<wire::Units>(patience);
            if (!answer || !*answer)
                return; // no list is better than part of one
            for (const wire::UnitStatus& unit : (*answer)->value.units)
                // Do not offer units that are named already.
                if ((verb_ == nullptr || fits(*verb_, unit)) &&
                    std::ranges::find(operands_, unit.name) == operands_.end())
                    add(unit.name, unit.description);
            continues = (*answer)->continues;
        }
    }

    const std::vector<std::string>& words_;
    const Verb* verb_ = nullptr;
    std::vector<Option> options_ = options_of(before_verb);
    Arguments arguments_; // the options that choose the init
    std::vector<std::string> operands_;
    const Option* valued_ = nullptr;    // the option whose value comes next
    const Option* of_letter_ = nullptr; // the last letter found that takes a value
    bool ended_ = false;
    std::string start_, prefix_;
    Completions result_;
};

} // namespace

Completions completions_of(const std::vector<std::string>& words) {
    return words.empty() ? Completions{} : Completer(words).complete();
}

} // namespace mi::ctl
