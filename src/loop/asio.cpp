// Boost.Asio's own sources, compiled once (BOOST_ASIO_SEPARATE_COMPILATION), and only those needed to wait for
// descriptors and a timer. All of them together would link the C library's host name resolver, which adds 100 KB to a
// static program.
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
#ifdef __cpp_exceptions // the small build has no exceptions, and none of the library's parts that use them
#include <boost/asio/impl/multiple_exceptions.ipp>
#endif
