// State as a later version would write it: frames of ours with one more effect, phase, tag and field. Used by the unit tests,
// and by miniinit_later, the whole program with this between it and the memory of its state (daemon/recovery/keeper.cpp).
#pragma once

#include "state/snapshot.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mi::state {

class Later {
public:
    static constexpr char number = 77; // of the new effect, of the new phase, and of the new kind of item

    // A frame; `base`: it begins a new whole state.
    [[nodiscard]] std::string frame(std::string_view ours, bool base) {
        std::string out;
        if (base) {
            item(out, number, text("of a later version"));
            // As if something new were to be done first. It is done with the first thing of ours that is.
            std::string effect;
            wire::encode(effect, EffectImage{.number = 9});
            effect[1] = number;
            item(out, static_cast<char>(wire::number_of(Tag::effect)), payload_of(effect));
            effect_pending_ = true;
        }
        while (!ours.empty()) {
            const char tag = ours.front();
            ours.remove_prefix(1);
            const std::size_t length = take_number(ours);
            std::string payload(ours.substr(0, length));
            ours.remove_prefix(length);
            if (tag == static_cast<char>(wire::number_of(Tag::unit)))
                rename_phase(payload);
            if (tag == static_cast<char>(wire::number_of(Tag::done)) && effect_pending_ && payload[0] != 0) {
                DoneImage done;
                std::string whole;
                (void)wire::decode(whole_of(payload), done);
                ++done.effects;
                effect_pending_ = false;
                wire::encode(whole, done);
                payload = payload_of(whole);
            }
            item(out, tag, payload + text("one more field"));
        }
        return out;
    }

private:
    // What is up is in the new phase.
    static void rename_phase(std::string& payload) {
        std::string_view rest = payload;
        (void)take_number(rest);               // id
        rest.remove_prefix(take_number(rest)); // name
        (void)take_number(rest);               // length of the record
        char& phase = payload[payload.size() - rest.size()];
        if (phase == static_cast<char>(wire::number_of(core::Phase::up)))
            phase = number;
    }
    static std::size_t take_number(std::string_view& bytes) {
        std::size_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            const auto byte = static_cast<unsigned char>(bytes.front());
            bytes.remove_prefix(1);
            value |= static_cast<std::size_t>(byte & 0x7f) << shift;
            if (byte < 0x80)
                return value;
        }
    }
    static std::string text(std::string_view words) {
        std::string out;
        wire::encode(out, std::string(words));
        return out;
    }
    static std::string payload_of(std::string_view whole) {
        (void)take_number(whole);
        return std::string(whole);
    }
    static std::string whole_of(const std::string& payload) { return text(payload); }
    static void item(std::string& out, char tag, const std::string& payload) {
        out += tag;
        out += text(payload);
    }

    bool effect_pending_ = false;
};

} // namespace mi::state
