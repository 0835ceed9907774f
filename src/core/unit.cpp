#include "core/unit.hpp"

#include <algorithm>

namespace mi::core {

bool accepts(const Unit& unit) {
    return std::any_of(unit.listen.begin(), unit.listen.end(), [](const Listen& listen) { return listen.accept; });
}

bool triggered(const Unit& unit) {
    return unit.kind == Kind::service &&
           (unit.timer || unit.service.activation == Activation::on_demand || accepts(unit));
}

} // namespace mi::core
