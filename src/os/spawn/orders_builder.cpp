#include "os/spawn/orders_builder.hpp"

namespace mi::os {
namespace {

Maybe maybe(const auto& value) { return value ? Maybe{1, static_cast<std::int32_t>(*value)} : Maybe{}; }

} // namespace

std::uint32_t OrdersBuilder::reserve(std::size_t bytes, std::size_t alignment) {
    const std::size_t at = (block_.size() + alignment - 1) / alignment * alignment;
    block_.resize(at + bytes);
    return static_cast<std::uint32_t>(at);
}

Text OrdersBuilder::text(std::string_view words) {
    if (words.empty())
        return 0;
    const std::uint32_t at = reserve(words.size() + 1, 1);
    std::memcpy(block_.data() + at, words.data(), words.size());
    block_[at + words.size()] = '\0';
    return at;
}

void OrdersBuilder::begin(const Plan& plan) {
    block_.clear();
    const Orders empty;
    add(&empty, 1);
    const Text file = text(plan.file), directory = text(plan.directory);
    numbers_.clear();
    plan.environment.find_own_pids(numbers_);
    const auto own_pids = add(numbers_);
    Orders& all = orders();
    all.file = file;
    all.program = plan.program;
    all.directory = directory;
    all.own_pids = own_pids;
    all.shell_for_scripts = plan.shell_for_scripts ? 1 : 0;
    all.session = static_cast<std::uint32_t>(plan.session);
    all.foreground = plan.foreground;
    all.umask = plan.umask;
    all.nice = maybe(plan.nice);
    all.oom_score = maybe(plan.oom_score);
    all.io_priority = maybe(plan.io_priority);
    if (plan.scheduling) {
        all.scheduling = {1, plan.scheduling->policy};
        all.scheduling_priority = plan.scheduling->priority;
    }
    all.parent_death_signal = plan.parent_death_signal;
    all.ignore_sigpipe = plan.ignore_sigpipe ? 1 : 0;
    add_files(plan);
    add_secrets(plan);
    add_confinement(plan);
    add_identity(plan);
}

void OrdersBuilder::add_files(const Plan& plan) {
    std::vector<OpenOrder> opens;
    for (const Open& open : plan.opens)
        opens.push_back({text(open.path), open.flags, open.mode, open.target});
    std::vector<LimitOrder> limits;
    for (const Limit& limit : plan.limits)
        limits.push_back({limit.resource, limit.at_most ? 1u : 0u, limit.soft, limit.hard});
    const auto opens_at = add(opens);
    const auto limits_at = add(limits);
    const auto processors = add(plan.processors);
    const Text terminal = plan.terminal ? text(plan.terminal->path) : 0;
    Orders& all = orders();
    all.opens = opens_at;
    all.limits = limits_at;
    all.processors = processors;
    if (plan.terminal) {
        all.terminal_given = 1;
        all.terminal = terminal;
        all.terminal_reset = plan.terminal->reset ? 1 : 0;
        for (std::size_t i = 0; i < 3; ++i)
            all.terminal_onto[i] = plan.terminal->onto[i] ? 1 : 0;
    }
}

void OrdersBuilder::add_secrets(const Plan& plan) {
    std::vector<SecretOrder> files, variables;
    for (const Secret& secret : plan.environment_from)
        variables.push_back({text(secret.name), text(secret.path), plan.environment.index_of(secret.name)});
    const auto variables_at = add(variables);
    orders().environment_from = variables_at;
    if (!plan.credentials)
        return;
    for (const Secret& secret : plan.credentials->files)
        files.push_back({text(secret.name), text(secret.path), 0});
    const auto files_at = add(files);
    const Text above = text(plan.credentials->above), name = text(plan.credentials->name);
    Orders& all = orders();
    all.credentials = files_at;
    all.credentials_above = above;
    all.credentials_name = name;
    all.credentials_owner = plan.credentials->owner;
    all.credentials_group = plan.credentials->group;
}

void OrdersBuilder::add_confinement(const Plan& plan) {
    std::vector<DirectoryOrder> directories;
    for (const Directory& directory : plan.directories) {
        std::vector<Text> components;
        for (const std::string& component : directory.components)
            components.push_back(text(component));
        directories.push_back({text(directory.base), add(components), directory.parents_mode, directory.mode,
                               directory.owner, directory.group, directory.make_base ? 1U : 0U,
                               directory.keep_owner ? 1U : 0U, directory.ours ? 1U : 0U});
    }
    const auto directories_at = add(directories);
    std::vector<MountOrder> mounts;
    if (plan.mounting)
        for (const MountChange& change : plan.mounting->changes)
            mounts.push_back({static_cast<std::uint32_t>(change.kind), text(change.path), text(change.source),
                              change.optional ? 1U : 0U, change.make ? 1U : 0U, -1});
    const auto mounts_at = add(mounts);
    const Text nothing = plan.mounting ? text(plan.mounting->nothing) : 0, root = text(plan.root);
    Orders& all = orders();
    all.directories = directories_at;
    all.mounts_given = plan.mounting ? 1 : 0;
    all.mounts = mounts_at;
    all.nothing = nothing;
    all.root = root;
}

void OrdersBuilder::add_identity(const Plan& plan) {
    numbers_.clear();
    if (plan.groups)
        numbers_.assign(plan.groups->begin(), plan.groups->end());
    const auto groups = add(numbers_);
    const auto filter =
        plan.filter ? add(plan.filter->program.data(), plan.filter->program.size()) : Array<sock_filter>{};
    Orders& all = orders();
    all.user = maybe(plan.user);
    all.group = maybe(plan.group);
    all.groups_given = plan.groups ? 1 : 0;
    all.groups = groups;
    all.no_new_privileges = plan.no_new_privileges ? 1 : 0;
    if (plan.keeping) {
        all.keeping_given = 1;
        all.bounding = plan.keeping->bounding;
        all.kept_given = plan.keeping->kept ? 1 : 0;
        all.kept = plan.keeping->kept.value_or(0);
        all.by_ambience = plan.keeping->by_ambience ? 1 : 0;
    }
    all.filter_given = plan.filter ? 1 : 0;
    all.filter = filter;
}

bool needs_executor(const Plan& plan) {
    // An OOM score is its memory's, and so would be ours; and no secret is to be in ours.
    return plan.apart || plan.credentials || !plan.environment_from.empty() || plan.user || plan.group || plan.groups ||
           plan.keeping || plan.oom_score;
}

} // namespace mi::os
