// The verbs that tell the course of the boot; drawing_verbs.cpp has those that draw it.
#include "base/text.hpp"
#include "ctl/boot/asked_boot.hpp"
#include "ctl/boot/boot_view.hpp"
#include "ctl/unit_names.hpp"
#include "ctl/verbs/verbs.hpp"

namespace mi::ctl {

std::optional<Boot> boot_of(const Context& context, int& code) {
    auto client = context.connect();
    auto boot = client ? read_boot(*client) : std::unexpected(client.error());
    if (boot)
        return std::move(*boot);
    code = context.fail(boot.error());
    return std::nullopt;
}

bool found(const Context& context, const Boot& boot, const std::string& name, std::optional<std::size_t>& at,
           int& code) {
    at = boot.find(name);
    if (!at)
        at = boot.find(without_suffix(name).name);
    if (at)
        return true;
    std::vector<std::string_view> names;
    for (const BootUnit& unit : boot.units)
        names.push_back(unit.name);
    const std::string_view near = nearest(name, names);
    code = context.fail("there is no unit " + harmless(name) +
                            (near.empty() ? "" : " (did you mean " + std::string(near) + "?)"),
                        refused);
    return false;
}

int show_blame(Context& context) {
    int code = done;
    const auto boot = boot_of(context, code);
    if (!boot)
        return code;
    const Blame blame = blame_of(*boot);
    return context.arguments.json ? context.print_json(blame) : context.print(blame_view(context.out, blame));
}

int show_chain(Context& context) {
    int code = done;
    const auto boot = boot_of(context, code);
    if (!boot)
        return code;
    std::optional<std::size_t> unit = boot->goal();
    if (!context.arguments.words.empty() && !found(context, *boot, context.arguments.words[0], unit, code))
        return code;
    if (!unit)
        return context.fail("no unit was started in this boot");
    const std::vector<ChainLink> chain = chain_of(*boot, *unit);
    return context.arguments.json ? context.print_json(chain_told(*boot, chain))
                                  : context.print(chain_view(context.out, *boot, chain));
}

} // namespace mi::ctl
