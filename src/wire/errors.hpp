// The errors of the methods of the control socket (messages.hpp).
#pragma once

#include "wire/facts.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace mi::wire {

// The interface that defines an error: ours,
constexpr std::string_view interface_name = "org.miniinit.Manager";
// or Varlink's own, with introspection and the errors of the protocol.
constexpr std::string_view service_interface = "org.varlink.service";

// What we measure, as systemd offers it: varlink-io.systemd.Metrics.
constexpr std::string_view metrics_interface = "io.systemd.Metrics";

struct NoSuchUnit {
    static constexpr std::string_view error = "NoSuchUnit", interface = interface_name,
                                      about = "There is no unit of this name; perhaps `nearest` was meant.";
    std::string unit;
    std::optional<std::string> nearest; // the name that was perhaps meant
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("nearest", self.nearest);
    }
};
struct PermissionDenied {
    static constexpr std::string_view error = "PermissionDenied", interface = interface_name,
                                      about = "The method is for those who may act.";
    std::string method;
    static void fields(auto& self, auto&& visit) { visit("method", self.method); }
};
struct InvalidUnit {
    static constexpr std::string_view error = "InvalidUnit", interface = interface_name,
                                      about = "The file of the unit cannot be used.";
    std::string unit;
    std::string message;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("message", self.message);
    }
};
struct Masked {
    static constexpr std::string_view error = "Masked", interface = interface_name,
                                      about = "The unit is masked: it cannot be started.";
    std::string unit;
    static void fields(auto& self, auto&& visit) { visit("unit", self.unit); }
};
// There is no process to signal or to reload.
struct NotRunning {
    static constexpr std::string_view error = "NotRunning", interface = interface_name,
                                      about = "There is no process to signal or to reload.";
    std::string unit;
    core::Phase state = core::Phase::down;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("state", self.state);
    }
};
struct JobFailed {
    static constexpr std::string_view error = "JobFailed", interface = interface_name,
                                      about = "The unit has failed and will not get there by itself.";
    std::string unit;
    core::Phase state = core::Phase::failed;
    std::string message;
    core::Reason reason_kind = core::Reason::none; // of the state
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("state", self.state);
        visit("message", self.message);
        visit("reason_kind", self.reason_kind);
    }
};
// The manager is shutting down and starts nothing any more.
struct ShuttingDown {
    static constexpr std::string_view error = "ShuttingDown", interface = interface_name,
                                      about = "The manager is ending and starts nothing any more.";
    static void fields(auto&, auto&&) {}
};
// The method exists, but this manager cannot do it now or here.
struct NotSupported {
    static constexpr std::string_view error = "NotSupported", interface = interface_name,
                                      about = "The method exists, but this manager does not do it now, or not here.";
    std::string message;
    static void fields(auto& self, auto&& visit) { visit("message", self.message); }
};
// A parameter has an invalid value (of org.varlink.service).
struct InvalidParameter {
    static constexpr std::string_view error = "InvalidParameter", interface = service_interface;
    std::string parameter;
    static void fields(auto& self, auto&& visit) { visit("parameter", self.parameter); }
};
// No such method (of org.varlink.service).
struct MethodNotFound {
    static constexpr std::string_view error = "MethodNotFound", interface = service_interface;
    std::string method;
    static void fields(auto& self, auto&& visit) { visit("method", self.method); }
};
// No such interface (of org.varlink.service).
struct InterfaceNotFound {
    static constexpr std::string_view error = "InterfaceNotFound", interface = service_interface;
    std::string name; // called `interface` in the message
    static void fields(auto& self, auto&& visit) { visit("interface", self.name); }
};
// The method sends several replies, but the caller did not set `more` (of org.varlink.service).
struct ExpectedMore {
    static constexpr std::string_view error = "ExpectedMore", interface = service_interface;
    static void fields(auto&, auto&&) {}
};

using Error = std::variant<NoSuchUnit, PermissionDenied, InvalidUnit, Masked, NotRunning, JobFailed, ShuttingDown,
                           NotSupported, InvalidParameter, MethodNotFound, InterfaceNotFound, ExpectedMore>;

} // namespace mi::wire
