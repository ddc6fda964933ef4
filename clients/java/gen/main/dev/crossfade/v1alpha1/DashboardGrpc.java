package dev.crossfade.v1alpha1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Feeds pages and terminals that show how the move of each resource goes.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class DashboardGrpc {

  private DashboardGrpc() {}

  public static final java.lang.String SERVICE_NAME = "crossfade.v1alpha1.Dashboard";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.WatchDashboardRequest,
      dev.crossfade.v1alpha1.WatchDashboardResponse> getWatchDashboardMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchDashboard",
      requestType = dev.crossfade.v1alpha1.WatchDashboardRequest.class,
      responseType = dev.crossfade.v1alpha1.WatchDashboardResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.WatchDashboardRequest,
      dev.crossfade.v1alpha1.WatchDashboardResponse> getWatchDashboardMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.WatchDashboardRequest, dev.crossfade.v1alpha1.WatchDashboardResponse> getWatchDashboardMethod;
    if ((getWatchDashboardMethod = DashboardGrpc.getWatchDashboardMethod) == null) {
      synchronized (DashboardGrpc.class) {
        if ((getWatchDashboardMethod = DashboardGrpc.getWatchDashboardMethod) == null) {
          DashboardGrpc.getWatchDashboardMethod = getWatchDashboardMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.WatchDashboardRequest, dev.crossfade.v1alpha1.WatchDashboardResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchDashboard"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.WatchDashboardRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.WatchDashboardResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DashboardMethodDescriptorSupplier("WatchDashboard"))
              .build();
        }
      }
    }
    return getWatchDashboardMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static DashboardStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DashboardStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DashboardStub>() {
        @java.lang.Override
        public DashboardStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DashboardStub(channel, callOptions);
        }
      };
    return DashboardStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static DashboardBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DashboardBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DashboardBlockingV2Stub>() {
        @java.lang.Override
        public DashboardBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DashboardBlockingV2Stub(channel, callOptions);
        }
      };
    return DashboardBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static DashboardBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DashboardBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DashboardBlockingStub>() {
        @java.lang.Override
        public DashboardBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DashboardBlockingStub(channel, callOptions);
        }
      };
    return DashboardBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static DashboardFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DashboardFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DashboardFutureStub>() {
        @java.lang.Override
        public DashboardFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DashboardFutureStub(channel, callOptions);
        }
      };
    return DashboardFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Feeds pages and terminals that show how the move of each resource goes.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Streams everything there is to show, with the figures of the last quarter of an hour; from then on what is new. All viewers share
     * one reader, so a viewer costs little; more than the instance takes are answered RESOURCE_EXHAUSTED.
     * </pre>
     */
    default void watchDashboard(dev.crossfade.v1alpha1.WatchDashboardRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.WatchDashboardResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchDashboardMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service Dashboard.
   * <pre>
   * Feeds pages and terminals that show how the move of each resource goes.
   * </pre>
   */
  public static abstract class DashboardImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return DashboardGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service Dashboard.
   * <pre>
   * Feeds pages and terminals that show how the move of each resource goes.
   * </pre>
   */
  public static final class DashboardStub
      extends io.grpc.stub.AbstractAsyncStub<DashboardStub> {
    private DashboardStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DashboardStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DashboardStub(channel, callOptions);
    }

    /**
     * <pre>
     * Streams everything there is to show, with the figures of the last quarter of an hour; from then on what is new. All viewers share
     * one reader, so a viewer costs little; more than the instance takes are answered RESOURCE_EXHAUSTED.
     * </pre>
     */
    public void watchDashboard(dev.crossfade.v1alpha1.WatchDashboardRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.WatchDashboardResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchDashboardMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service Dashboard.
   * <pre>
   * Feeds pages and terminals that show how the move of each resource goes.
   * </pre>
   */
  public static final class DashboardBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<DashboardBlockingV2Stub> {
    private DashboardBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DashboardBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DashboardBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Streams everything there is to show, with the figures of the last quarter of an hour; from then on what is new. All viewers share
     * one reader, so a viewer costs little; more than the instance takes are answered RESOURCE_EXHAUSTED.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.crossfade.v1alpha1.WatchDashboardResponse>
        watchDashboard(dev.crossfade.v1alpha1.WatchDashboardRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchDashboardMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service Dashboard.
   * <pre>
   * Feeds pages and terminals that show how the move of each resource goes.
   * </pre>
   */
  public static final class DashboardBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<DashboardBlockingStub> {
    private DashboardBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DashboardBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DashboardBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Streams everything there is to show, with the figures of the last quarter of an hour; from then on what is new. All viewers share
     * one reader, so a viewer costs little; more than the instance takes are answered RESOURCE_EXHAUSTED.
     * </pre>
     */
    public java.util.Iterator<dev.crossfade.v1alpha1.WatchDashboardResponse> watchDashboard(
        dev.crossfade.v1alpha1.WatchDashboardRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchDashboardMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service Dashboard.
   * <pre>
   * Feeds pages and terminals that show how the move of each resource goes.
   * </pre>
   */
  public static final class DashboardFutureStub
      extends io.grpc.stub.AbstractFutureStub<DashboardFutureStub> {
    private DashboardFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DashboardFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DashboardFutureStub(channel, callOptions);
    }
  }

  private static final int METHODID_WATCH_DASHBOARD = 0;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_WATCH_DASHBOARD:
          serviceImpl.watchDashboard((dev.crossfade.v1alpha1.WatchDashboardRequest) request,
              (io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.WatchDashboardResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getWatchDashboardMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.WatchDashboardRequest,
              dev.crossfade.v1alpha1.WatchDashboardResponse>(
                service, METHODID_WATCH_DASHBOARD)))
        .build();
  }

  private static abstract class DashboardBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    DashboardBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.crossfade.v1alpha1.DashboardProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("Dashboard");
    }
  }

  private static final class DashboardFileDescriptorSupplier
      extends DashboardBaseDescriptorSupplier {
    DashboardFileDescriptorSupplier() {}
  }

  private static final class DashboardMethodDescriptorSupplier
      extends DashboardBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    DashboardMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (DashboardGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new DashboardFileDescriptorSupplier())
              .addMethod(getWatchDashboardMethod())
              .build();
        }
      }
    }
    return result;
  }
}
