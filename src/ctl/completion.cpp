#include "ctl/completion.hpp"

#include "base/signals.hpp"
#include "base/text.hpp"
#include "config/keys.hpp"
#include "ctl/listing.hpp"
#include "ctl/logs.hpp"
#include "ctl/top_table.hpp"
#include "ctl/verbs.hpp"
#include "wire/log_format.hpp"

#include <algorithm>
#include <csignal>
#include <optional>

namespace mi::ctl {

namespace {

// Nobody waits for long before they type on.
constexpr Span patience = std::chrono::seconds(2);

const Verb* verb_named(std::string_view name) {
    for (const Verb& verb : verbs())
        if (verb.name == name)
            return &verb;
    return nullptr;
}

// The options of `logs`, which reads its own: as its help has them.
std::vector<OptionWord> options_of_logs() {
    std::vector<OptionWord> all;
    for (std::string_view line : split(logs_help(), '\n')) {
        const std::size_t at = line.find("--");
        if (!line.starts_with("  ") || at > 6)
            continue;
        std::string_view rest = line.substr(at);
        const std::size_t gap = rest.find("  ");
        std::string_view words = rest.substr(0, gap);
        const std::string_view help = gap == std::string_view::npos ? std::string_view{} : trim(rest.substr(gap));
        for (std::string_view one : split(words, ',')) { // "--user, --system"
            one = trim(one);
            const std::size_t blank = one.find(' ');
            std::string_view value = blank == std::string_view::npos ? std::string_view{} : one.substr(blank + 1);
            if (value.starts_with('[')) // may be left out, so what follows may be anything
                value = {};
            all.push_back({std::string(one.substr(0, blank)), std::string(value), std::string(help)});
        }
    }
    return all;
}

class Completer {
public:
    explicit Completer(const std::vector<std::string>& words) : words_(words) {}

    Completions complete() {
        // bash takes `--for=up` to pieces.
        std::string last = words_.back() == "=" ? "" : words_.back();
        std::size_t before = words_.size() - 1; // how many words are whole
        if (words_.back() == "=" && before > 0)
            --before;
        else if (before > 1 && words_[before - 1] == "=")
            before -= 2;
        const bool assigned = before + 1 != words_.size();
        read_words(assigned ? before + 1 : before);
        start_ = last;
        if (ended_ && verb_ != nullptr && (verb_->takes & takes_run) != 0)
            result_.files = true; // the command's own business
        else if (valued_)
            value(*valued_);
        else if (const std::size_t equals = last.find('='); last.starts_with("--") && equals != std::string::npos)
            assigned_value(last, equals);
        else if (last.starts_with('-') && !ended_)
            options();
        else if (verb_ == nullptr)
            verb_names();
        else
            operand();
        return std::move(result_);
    }

private:
    // What the words before the last one say: the verb, which init, and whether a value is due.
    void read_words(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::string& word = words_[i];
            if (word == "=")
                continue;
            if (valued_) {
                if (valued_->name == "--control")
                    arguments_.control = word;
                valued_.reset();
            } else if (word == "--" && verb_ != nullptr) {
                ended_ = true;
            } else if (word.size() > 1 && word[0] == '-' && !ended_) {
                option(word);
            } else if (verb_ == nullptr) {
                verb_ = verb_named(word);
                help_ = word == "help";
            } else {
                operands_.push_back(word);
                ended_ = ended_ || (verb_->takes & takes_run) != 0;
            }
        }
    }
    void option(const std::string& word) {
        arguments_.user = word == "--user" || (arguments_.user && word != "--system");
        arguments_.system = word == "--system" || (arguments_.system && word != "--user");
        if (word.starts_with("--control="))
            arguments_.control = word.substr(word.find('=') + 1);
        for (const OptionWord& one : known_options())
            if (one.name == word && !one.value.empty())
                valued_ = one;
    }
    [[nodiscard]] std::vector<OptionWord> known_options() const {
        if (verb_ == nullptr)
            return {{"--control", "PATH", "the socket of the init"},
                    {"--user", "", "talk to your own manager"},
                    {"--system", "", "talk to the init of the system"},
                    {"--help", "", "what there is"},
                    {"--version", "", "of minictl and of the init"}};
        if (verb_->name == "logs")
            return options_of_logs();
        return verb_->run == nullptr ? std::vector<OptionWord>{} : options_of(*verb_);
    }

    void add(std::string word, std::string_view help = {}) {
        if (word.starts_with(start_))
            result_.candidates.push_back({prefix_ + word, harmless(help)});
    }
    void options() {
        for (const OptionWord& one : known_options())
            add(one.name, one.help);
    }
    void verb_names() {
        for (const Verb& verb : verbs())
            if (!verb.group.empty())
                add(std::string(verb.name), verb.summary);
        if (!help_)
            add("help", "what a verb does");
    }
    void assigned_value(const std::string& last, std::size_t equals) {
        for (const OptionWord& one : known_options())
            if (one.name == last.substr(0, equals)) {
                prefix_ = last.substr(0, equals + 1);
                start_ = last.substr(equals + 1);
                value(one);
                return;
            }
    }

    void value(const OptionWord& option) {
        const std::string_view kind = option.value;
        if (kind == "STATE")
            for (unsigned i = 0; i < wire::Words<core::Phase>::count; ++i)
                add(std::string(wire::word(static_cast<core::Phase>(i))));
        else if (kind == "UNIT")
            units();
        else if (kind == "COLUMN")
            for (std::string_view word : split("cpu memory tasks restarts uptime name state", ' '))
                add(std::string(word));
        else if (kind == "WORD")
            for (std::string_view word : split("emerg alert crit err warning notice info debug", ' '))
                add(std::string(word));
        else if (kind == "NAME" && verb_->name == "logs")
            for (wire::logs::Facility facility = 0; facility < wire::logs::facilities; ++facility)
                add(std::string(wire::logs::word_of_facility(facility)));
        else if (kind == "FORMAT")
            for (std::string_view word : split("short iso json cat", ' '))
                add(std::string(word));
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
    // Whether the verb would do something to it.
    [[nodiscard]] bool fits(const wire::UnitStatus& unit) const {
        const std::string_view name = verb_ != nullptr ? verb_->name : std::string_view{};
        if (name == "start")
            return !core::good(unit.state) && unit.state != core::Phase::invalid;
        if (name == "stop" || name == "try-restart")
            return core::active(unit.state) || unit.state == core::Phase::waiting || unit.state == core::Phase::backoff;
        if (name == "reload" || name == "freeze" || name == "signal")
            return unit.state == core::Phase::up && unit.kind == core::Kind::service;
        if (name == "thaw")
            return unit.frozen;
        if (name == "reset")
            return unit.state == core::Phase::failed || unit.state == core::Phase::backoff;
        return name != "target" || unit.kind == core::Kind::target;
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
                return; // silence is better than half a sentence
            for (const wire::UnitStatus& unit : (*answer)->value.units)
                // Those that are named already are not meant again.
                if (fits(unit) && std::ranges::find(operands_, unit.name) == operands_.end())
                    add(unit.name, unit.description);
            continues = (*answer)->continues;
        }
    }

    const std::vector<std::string>& words_;
    const Verb* verb_ = nullptr;
    Arguments arguments_; // which init
    std::vector<std::string> operands_;
    std::optional<OptionWord> valued_;
    bool ended_ = false, help_ = false;
    std::string start_, prefix_;
    Completions result_;
};

} // namespace

Completions completions_of(const std::vector<std::string>& words) {
    return words.empty() ? Completions{} : Completer(words).complete();
}

} // namespace mi::ctl
