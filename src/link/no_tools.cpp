// The verbs that a small miniinit goes without (-DMINIINIT_TOOLS=OFF). What is defined here the linker does not take from the rooms,
// nor what only that needs: converting units, the live table, charts and completion.
#include "ctl/completion.hpp"
#include "ctl/verbs/verbs.hpp"
#include "generator/generator.hpp"

namespace mi::ctl {

namespace {

int left_out(const Context& context, std::string_view verb) {
    return context.fail("this miniinit was built without `" + std::string(verb) +
                            "` (MINIINIT_TOOLS=OFF): run it with the minictl of another machine",
                        usage);
}

} // namespace

int convert_files(Context& context) { return left_out(context, "convert"); }
int write_oci_unit(Context& context) { return left_out(context, "oci-unit"); }
int show_top(Context& context) { return left_out(context, "top"); }
int show_plot(Context& context) { return left_out(context, "plot"); }
int show_graph(Context& context) { return left_out(context, "graph"); }
int show_completion(Context& context) { return left_out(context, "completion"); }

} // namespace mi::ctl

namespace mi::generator {

bool is_built_in() { return false; }
bool has_unit_directories() { return false; }
Result run(const Settings&) { return Result::failed; }

} // namespace mi::generator
