// Boost.Asio's own sources, compiled once (BOOST_ASIO_SEPARATE_COMPILATION): those that waiting for descriptors and a timer
// takes. All of them would link the C library's resolver of host names, which is 100 KB of a static program.
#define BOOST_ASIO_SOURCE
#include <boost/asio/detail/config.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <boost/asio/detail/impl/descriptor_ops.ipp>
#include <boost/asio/detail/impl/epoll_reactor.ipp>
#include <boost/asio/detail/impl/eventfd_select_interrupter.ipp>
#include <boost/asio/detail/impl/null_event.ipp>
#include <boost/asio/detail/impl/reactive_descriptor_service.ipp>
#include <boost/asio/detail/impl/scheduler.ipp>
#include <boost/asio/detail/impl/service_registry.ipp>
#include <boost/asio/detail/impl/thread_context.ipp>
#include <boost/asio/detail/impl/throw_error.ipp>
#include <boost/asio/detail/impl/timer_queue_set.ipp>
#include <boost/asio/execution/impl/bad_executor.ipp>
#include <boost/asio/impl/any_io_executor.ipp>
#include <boost/asio/impl/cancellation_signal.ipp>
#include <boost/asio/impl/error.ipp>
#include <boost/asio/impl/execution_context.ipp>
#include <boost/asio/impl/handler_alloc_hook.ipp>
#include <boost/asio/impl/io_context.ipp>
#ifdef __cpp_exceptions // the small build has none, and not the library's parts that carry them
#include <boost/asio/impl/multiple_exceptions.ipp>
#endif
