#include "ctl/verbs/editing.hpp"

#include "ctl/text/terminal.hpp"
#include "ctl/verbs/rights.hpp"
#include "os/file/runtime.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace mi::ctl {

namespace {

// Runs the editor, which may have arguments of its own, on `path`. The editor has the terminal, and handles Ctrl-C.
Result<> run_editor(const std::string& path) {
    const char* editor = std::getenv("VISUAL");
    if (editor == nullptr || *editor == 0)
        editor = std::getenv("EDITOR");
    if (editor == nullptr || *editor == 0)
        editor = "vi";
    const std::string command = std::string(editor) + " \"$1\"";
    struct sigaction ignore{}, interrupt{}, quit{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignore, &interrupt);
    ::sigaction(SIGQUIT, &ignore, &quit);
    const pid_t child = ::fork();
    if (child == 0) {
        ::sigaction(SIGINT, &interrupt, nullptr);
        ::sigaction(SIGQUIT, &quit, nullptr);
        ::execl("/bin/sh", "sh", "-c", command.c_str(), "sh", path.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }
    const int code = errno;
    int status = -1;
    while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    ::sigaction(SIGINT, &interrupt, nullptr);
    ::sigaction(SIGQUIT, &quit, nullptr);
    if (child < 0)
        return fault(code, "start editor", editor);
    if (status != 0)
        return fault(0, "the editor did not end well, so nothing was changed:", editor);
    return {};
}

} // namespace

Draft::Draft(Draft&& other) noexcept
    : source_(std::move(other.source_)), directory_(std::exchange(other.directory_, {})), file_(std::move(other.file_)),
      rights_(other.rights_) {}

Draft::~Draft() {
    if (directory_.empty())
        return;
    (void)::unlink(path().c_str());
    if (std::size_t slash = file_.rfind('/'); slash != std::string::npos)
        (void)::rmdir((directory_ + "/" + file_.substr(0, slash)).c_str());
    (void)::rmdir(directory_.c_str());
}

Result<Draft> Draft::make(const config::Source& source, const std::string& file, const config::Rights& rights) {
    // A name that the reader of units ignores. It is in the target directory, so that a rename can put the file in
    // place, and a user without write permission is told before the work.
    const std::string inside = source.directories.front() + "/.edit-" + std::to_string(::getpid());
    Draft draft(source, source.root + inside, file, rights);
    const std::string admin = source.root + source.directories.front();
    if (::mkdir(admin.c_str(), 0755) != 0 && errno != EEXIST) {
        draft.directory_.clear();
        return fault(errno, "make directory", admin);
    }
    if (::mkdir(draft.directory_.c_str(), 0700) != 0) {
        const std::string directory = std::exchange(draft.directory_, {});
        return fault(errno, "make directory", directory);
    }
    if (std::size_t slash = file.rfind('/'); slash != std::string::npos) {
        const std::string sub = draft.directory_ + "/" + file.substr(0, slash);
        if (::mkdir(sub.c_str(), 0755) != 0)
            return fault(errno, "make directory", sub);
    }
    draft.source_.directories.insert(draft.source_.directories.begin(), inside);
    return draft;
}

Result<std::string> Draft::edit(const std::string& text) {
    // The final rights are set when the file is put in place; until then the directory is closed to other users.
    if (auto written = os::write_file_atomically(path(), text, 0600); !written)
        return std::unexpected(written.error());
    if (auto edited = run_editor(path()); !edited)
        return std::unexpected(edited.error());
    return os::read_file(path());
}

std::string Draft::problems(const std::string& unit) const {
    std::string said;
    for (const config::Problem& problem : config::load_one(source_, unit).problems)
        if (problem.severity == config::Severity::error && problem.file.starts_with(directory_)) {
            config::Problem shown = problem;
            shown.file = source_.root + source_.directories[1] + problem.file.substr(directory_.size());
            said += config::text(shown);
        }
    return said;
}

Result<> Draft::place() {
    const std::string target = source_.root + source_.directories[1] + "/" + file_;
    const std::string parent = target.substr(0, target.rfind('/'));
    if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST)
        return fault(errno, "make directory", parent);
    // The editor may have changed the mode: no other user may write the file, or read it without permission for the
    // original. If the editor left a link, nothing is known about it.
    Fd file(::open(path().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file)
        return fault(errno, "open", path());
    if (auto given = set_rights(file.get(), rights_); !given)
        return given;
    if (::rename(path().c_str(), target.c_str()) != 0)
        return fault(errno, "put in place", target);
    return {};
}

bool confirm(const std::string& question) {
    if (::isatty(0) != 1)
        return false;
    write_all(2, question);
    std::string answer;
    for (char letter = 0; ::read(0, &letter, 1) == 1 && letter != '\n';)
        answer += letter;
    return answer.empty() || answer.front() == 'y' || answer.front() == 'Y';
}

} // namespace mi::ctl
