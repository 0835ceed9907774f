// minictl debug-crash, of the program for tests: see daemon/fault_injection.hpp.
#include "ctl/verbs/verbs.hpp"

#include "fault_injection/faults.hpp"

namespace mi::ctl {

namespace {

// Has the init commit the fault. Returns why it did not; after the fault that is a connection without an answer.
Failure ask_for(const Context& context, std::string_view kind) {
    auto client = context.connect();
    if (!client)
        return client.error();
    std::string message = R"({"method":")";
    message.append(fault_injection::method).append(R"(","parameters":{"kind":")").append(kind).append("\"}}");
    message += '\0';
    if (std::optional<Failure> failure = client->send(message))
        return *failure;
    auto answer = client->next<wire::Nothing>(Client::quick);
    return answer ? Failure{} : answer.error();
}

int debug_crash(Context& context) {
    const std::string& kind = context.arguments.words[0];
    if (fault_injection::kind_named(kind) == nullptr)
        return context.fail("there is no fault \"" + harmless(kind) + "\"", usage);
    if (const Failure failure = ask_for(context, kind); failure.said || failure.nobody || failure.forbidden)
        return context.fail(failure);
    auto after = overview_of(context);
    if (!after)
        return context.fail(after.error());
    return context.arguments.json ? context.print_json(*after)
                                  : context.print(harmless(after->last_crash.value_or("nothing happened")) + "\n");
}

constexpr Verb row{"", "debug-crash", "KIND", "have the init fail", "minictl debug-crash segv", 0, 1, 1, debug_crash};

} // namespace

const Verb* fault_verb(std::string_view name) { return name == row.name ? &row : nullptr; }

} // namespace mi::ctl
