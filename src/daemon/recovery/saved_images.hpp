// What is saved of the manager, of a unit, a process and a client (state_store.hpp says when). Reading it again is restore.hpp's.
#pragma once

#include "daemon/recovery/state_store.hpp"

namespace mi::daemon {

struct Parts;

class SavedImages final : public StateStore::Source {
public:
    explicit SavedImages(const Parts& parts) : parts_(parts) {}

    [[nodiscard]] state::ManagerImage image_of_manager() const override;
    [[nodiscard]] state::UnitImage image_of_unit(core::UnitId id) const override;
    [[nodiscard]] bool is_blank(core::UnitId id) const override;
    [[nodiscard]] state::ProcessImage image_of_process(pid_t pid) const override;
    [[nodiscard]] state::ClientImage image_of_client(int fd, bool bytes) const override;
    [[nodiscard]] state::SpawnImage image_of_spawn(core::UnitId unit, core::Role role, const os::Start& start,
                                                   const Launch& launch) const override;

private:
    const Parts& parts_;
};

} // namespace mi::daemon
