// The init of the tests: see daemon/fault_injection.hpp.
#include "daemon/fault_injection.hpp"

#include "fault_injection/faults.hpp"
#include "wire/json.hpp"

#include <cstdlib>
#include <optional>

namespace mi::daemon {

void inject_fault(std::string_view message) {
    if (!message.contains(fault_injection::method))
        return;
    const std::optional<wire::JsonDocument> document = wire::JsonDocument::parse(message);
    if (!document)
        return;
    const wire::JsonView kind = document->root().member("parameters").member("kind");
    if (kind.kind() == wire::JsonView::Kind::text)
        fault_injection::commit_fault(kind.text());
}

// A benchmark measures what keeping it costs.
bool keeps_state() { return std::getenv("MINIINIT_NO_STATE") == nullptr; }

} // namespace mi::daemon
