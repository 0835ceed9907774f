// io.systemd.Metrics: one metric in each reply, made as the client reads.
#pragma once

#include "daemon/parts.hpp"

namespace mi::daemon {

class MetricsAnswers {
public:
    explicit MetricsAnswers(Parts& parts) : parts_(parts) {}

    void answer(CallId id, const Caller&, const wire::ListMetrics&);
    void answer(CallId id, const Caller&, const wire::DescribeMetrics&);

private:
    Parts& parts_;
};

} // namespace mi::daemon
