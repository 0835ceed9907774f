#include "ctl/arguments.hpp"

#include "base/join.hpp"
#include "base/text.hpp"
#include "ctl/options.hpp"

#include <getopt.h>

#include <algorithm>

namespace mi::ctl {

namespace {

constexpr int first_name = 256; // getopt's value for an option given by name, plus its index: above every letter

// The input of getopt_long(3): the options in its form.
struct Getopt {
    std::string letters;
    std::vector<::option> names;

    Getopt(const Verb& verb, const std::vector<Option>& options) {
        // Options end where a command or a message begins.
        letters = (verb.takes & (takes_run | takes_shutdown)) != 0 ? "+:" : ":";
        for (int index = 0; const Option& option : options) {
            const bool has_value = !option.value.empty(), must = has_value && !option.may_lack_value();
            if (*option.name != 0)
                names.push_back({option.name,
                                 must        ? required_argument
                                 : has_value ? optional_argument
                                             : no_argument,
                                 nullptr, first_name + index});
            if (option.letter != 0)
                letters.append(1, option.letter).append(must ? ":" : "");
            ++index;
        }
        names.push_back({});
    }
};

const Option* found(const std::vector<Option>& options, int got) {
    if (got >= first_name)
        return &options[static_cast<std::size_t>(got - first_name)];
    auto at = std::ranges::find(options, got, &Option::letter);
    return at == options.end() ? nullptr : &*at;
}

// The reason why getopt did not understand the word before argv[optind].
std::string not_understood(const Verb& verb, const std::vector<Option>& options, int got, char** argv) {
    const Option* option = ::optopt != 0 ? found(options, ::optopt) : nullptr;
    if (option == nullptr) {
        const std::string word = ::optopt != 0 ? std::string("-") + static_cast<char>(::optopt) : argv[::optind - 1];
        std::vector<std::string_view> names;
        for (const Option& one : options)
            names.emplace_back(one.name);
        const std::string_view near = word.starts_with("--") ? nearest(word.substr(2, word.find('=') - 2), names) : "";
        return word + " is no option of " + std::string(verb.name) +
               (near.empty() ? "" : " (did you mean --" + std::string(near) + "?)");
    }
    return (::optopt < first_name ? std::string("-") + option->letter : option->word()) +
           (got == ':' ? " needs a value" : " takes no value");
}

// Applies the option; returns an error in words, or empty.
std::string set(Arguments& arguments, const Option& option, int argc, char** argv) {
    // An optional value may also be the next word.
    if (option.may_lack_value() && ::optarg == nullptr && ::optind < argc && option.set(arguments, argv[::optind])) {
        ++::optind;
        return {};
    }
    const std::string value = ::optarg != nullptr ? ::optarg : "";
    if (option.set(arguments, value))
        return {};
    return option.word() + " cannot be \"" + value + "\"" +
           (option.choices != nullptr ? ": it takes one of " + join(option.choices()) : "");
}

} // namespace

std::expected<Arguments, std::string> parse_arguments(const Verb& verb, int argc, char** argv) {
    const std::vector<Option> options = options_of(verb);
    const Getopt known(verb, options);
    Arguments arguments;
    ::optind = 0; // resets getopt's own state
    ::opterr = 0;
    for (int got; (got = ::getopt_long(argc, argv, known.letters.c_str(), known.names.data(), nullptr)) != -1;) {
        if (got == ':' || got == '?')
            return std::unexpected(not_understood(verb, options, got, argv));
        if (std::string wrong = set(arguments, *found(options, got), argc, argv); !wrong.empty())
            return std::unexpected(std::move(wrong));
    }
    for (int i = ::optind; i < argc; ++i)
        arguments.words.emplace_back(argv[i]);
    if (arguments.help)
        return arguments;
    if (arguments.words.size() < verb.least)
        return std::unexpected(std::string(verb.name) + " needs " + std::string(verb.operands));
    if (arguments.words.size() > verb.most)
        return std::unexpected("too many words after " + std::string(verb.name) + ": " + arguments.words[verb.most]);
    return arguments;
}

} // namespace mi::ctl
