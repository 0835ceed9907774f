// What is written to the terminals of everybody who is logged in to the machine, as wall(1) does.
#pragma once

#include <string>

namespace mi::daemon {

class BackgroundChildren;
struct Context;

class Wall {
public:
    Wall(Context& context, BackgroundChildren& background) : context_(context), background_(background) {}
    // `who` says it; empty: the system itself. Does nothing in a container or for a user's manager.
    void tell(const std::string& who, const std::string& text);

private:
    Context& context_;
    BackgroundChildren& background_;
};

} // namespace mi::daemon
