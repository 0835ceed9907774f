#include "core/unit.hpp"

#include <algorithm>

namespace mi::core {

std::string account_of(const Unit& unit) {
    if (!unit.process)
        return {};
    return unit.process->user.empty() && unit.process->dynamic_user ? unit.name : unit.process->user;
}

bool accepts(const Unit& unit) {
    return std::any_of(unit.listen.begin(), unit.listen.end(), [](const Listen& listen) { return listen.accept; });
}

bool triggered(const Unit& unit) {
    return unit.kind == Kind::service &&
           (unit.timer || unit.service.activation == Activation::on_demand || accepts(unit));
}

} // namespace mi::core
