#include "daemon/start/path_inquiries.hpp"

#include <algorithm>
#include <utility>

namespace mi::daemon {

namespace {

std::string seconds(Span span) {
    const auto whole = std::chrono::round<std::chrono::milliseconds>(span).count();
    std::string text = std::to_string(whole / 1000);
    if (whole % 1000 >= 100)
        text += "." + std::to_string(whole % 1000 / 100);
    return text + " s";
}

} // namespace

bool PathInquiries::ask(std::vector<os::PathQuestion> questions, Instant until, Answered answered) {
    if (questions.empty()) {
        answered(os::PathAnswers{});
        return true;
    }
    auto here = kernel_.answer_here(questions, hanging_);
    if (here) {
        answered(std::move(*here));
        return true;
    }
    const os::Untouched& why = here.error();
    auto refuse = [&](const std::string& words) {
        answered(std::unexpected(why.path + words));
        return true;
    };
    const auto hang_there = std::ranges::count(given_up_, why.on.point, [](const auto& one) { return one.second; });
    if (hang_there >= static_cast<std::ptrdiff_t>(most_given_up))
        return refuse(" was not looked at: " + why.text() + ", on which " + std::to_string(hang_there) +
                      " earlier looks hang");
    auto inquiry = os::PathInquiry::begin(questions);
    if (!inquiry)
        return refuse(" was not looked at: " + why.text() + ", and " + inquiry.error().text());
    const pid_t child = inquiry->pid();
    if (children_ != nullptr)
        children_->expect(child, *this);
    auto at =
        pending_.insert(pending_.end(), Pending{std::move(*inquiry), why, until, kernel_.now(), std::move(answered)});
    auto watch = kernel_.watch(at->inquiry.fd(), [this, at] { heard(at); });
    if (watch) {
        at->watch = std::move(*watch);
        return false;
    }
    answered = std::move(at->answered);
    at->inquiry.kill();
    heard_out_.emplace(child, std::string());
    pending_.erase(at);
    return refuse(" was not looked at: " + watch.error().text());
}

void PathInquiries::heard(std::list<Pending>::iterator at) {
    if (!at->inquiry.hear())
        return;
    Pending done = std::move(*at);
    pending_.erase(at);
    heard_out_.emplace(done.inquiry.pid(), done.why.on.point);
    if (auto answers = done.inquiry.answers())
        done.answered(std::move(*answers));
    else
        done.answered(std::unexpected(done.why.path + ": the process that was to look at it ended without an answer"));
}

Instant PathInquiries::next_deadline() const {
    Instant first = never;
    for (const Pending& one : pending_)
        first = std::min(first, one.until);
    return first;
}

void PathInquiries::due(Instant now) {
    std::list<Pending> late;
    for (auto at = pending_.begin(); at != pending_.end();) {
        auto here = at++;
        if (here->until <= now)
            late.splice(late.end(), pending_, here);
    }
    for (Pending& one : late) {
        one.watch.reset();
        one.inquiry.kill();
        given_up_.emplace(one.inquiry.pid(), one.why.on.point);
        one.answered(std::unexpected(one.why.path + " did not answer within " + seconds(now - one.since) + ": " +
                                     one.why.text()));
    }
}

} // namespace mi::daemon
