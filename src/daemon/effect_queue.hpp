// What the engine has decided and what is not done yet, in order. It outlives PID 1's program: the next one does what is left. So
// it counts how much of it is saved, and how much of that is done since.
#pragma once

#include "core/event.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace mi::daemon {

class EffectQueue {
public:
    [[nodiscard]] bool empty() const { return effects_.empty(); }
    [[nodiscard]] const core::Effect& front() const { return effects_.front(); }
    void push(const core::Effect& effect) { effects_.push_back(effect); }
    void push(const std::vector<core::Effect>& effects) {
        effects_.insert(effects_.end(), effects.begin(), effects.end());
    }
    // The next one; from here on it counts as done.
    [[nodiscard]] core::Effect take() {
        const core::Effect effect = effects_.front();
        effects_.pop_front();
        if (saved_ > 0) {
            --saved_;
            ++done_;
        }
        return effect;
    }
    [[nodiscard]] auto find_spawn(core::UnitId unit, core::Role role) {
        return std::ranges::find_if(effects_, [=](const core::Effect& effect) {
            return effect.kind == core::Effect::Kind::spawn && effect.unit == unit && effect.role == role;
        });
    }
    [[nodiscard]] bool has(core::Effect::Kind kind, core::UnitId unit) const {
        return std::ranges::any_of(
            effects_, [=](const core::Effect& effect) { return effect.kind == kind && effect.unit == unit; });
    }
    [[nodiscard]] auto end() { return effects_.end(); }
    void erase(std::deque<core::Effect>::iterator at) { effects_.erase(at); }
    // Of a unit that is gone nothing is to be done.
    void drop(core::UnitId unit) {
        std::erase_if(effects_, [unit](const core::Effect& effect) { return effect.unit == unit; });
        saved_ = std::min(saved_, effects_.size());
    }

    // --- for saved state ---
    // Calls `save` with each effect that is not saved yet.
    void save(auto&& save) {
        for (; saved_ < effects_.size(); ++saved_)
            save(effects_[saved_]);
    }
    // How many of the saved ones were done since this was last asked.
    [[nodiscard]] std::uint32_t take_done() { return std::exchange(done_, 0); }
    [[nodiscard]] std::uint32_t done() const { return done_; }
    // All is to be saved anew, and what is done is no part of it.
    void save_anew() { saved_ = done_ = 0; }

private:
    std::deque<core::Effect> effects_;
    std::size_t saved_ = 0; // the first so many
    std::uint32_t done_ = 0;
};

} // namespace mi::daemon
