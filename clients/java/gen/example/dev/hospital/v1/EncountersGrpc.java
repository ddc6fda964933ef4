package dev.hospital.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * The encounters of patients.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class EncountersGrpc {

  private EncountersGrpc() {}

  public static final java.lang.String SERVICE_NAME = "hospital.v1.Encounters";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.GetEncounterRequest,
      dev.hospital.v1.Encounter> getGetEncounterMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetEncounter",
      requestType = dev.hospital.v1.GetEncounterRequest.class,
      responseType = dev.hospital.v1.Encounter.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.GetEncounterRequest,
      dev.hospital.v1.Encounter> getGetEncounterMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.GetEncounterRequest, dev.hospital.v1.Encounter> getGetEncounterMethod;
    if ((getGetEncounterMethod = EncountersGrpc.getGetEncounterMethod) == null) {
      synchronized (EncountersGrpc.class) {
        if ((getGetEncounterMethod = EncountersGrpc.getGetEncounterMethod) == null) {
          EncountersGrpc.getGetEncounterMethod = getGetEncounterMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.GetEncounterRequest, dev.hospital.v1.Encounter>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetEncounter"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.GetEncounterRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.Encounter.getDefaultInstance()))
              .setSchemaDescriptor(new EncountersMethodDescriptorSupplier("GetEncounter"))
              .build();
        }
      }
    }
    return getGetEncounterMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.ListEncountersRequest,
      dev.hospital.v1.ListEncountersResponse> getListEncountersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListEncounters",
      requestType = dev.hospital.v1.ListEncountersRequest.class,
      responseType = dev.hospital.v1.ListEncountersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.ListEncountersRequest,
      dev.hospital.v1.ListEncountersResponse> getListEncountersMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.ListEncountersRequest, dev.hospital.v1.ListEncountersResponse> getListEncountersMethod;
    if ((getListEncountersMethod = EncountersGrpc.getListEncountersMethod) == null) {
      synchronized (EncountersGrpc.class) {
        if ((getListEncountersMethod = EncountersGrpc.getListEncountersMethod) == null) {
          EncountersGrpc.getListEncountersMethod = getListEncountersMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.ListEncountersRequest, dev.hospital.v1.ListEncountersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListEncounters"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.ListEncountersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.ListEncountersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EncountersMethodDescriptorSupplier("ListEncounters"))
              .build();
        }
      }
    }
    return getListEncountersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.CreateEncounterRequest,
      dev.hospital.v1.Encounter> getCreateEncounterMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateEncounter",
      requestType = dev.hospital.v1.CreateEncounterRequest.class,
      responseType = dev.hospital.v1.Encounter.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.CreateEncounterRequest,
      dev.hospital.v1.Encounter> getCreateEncounterMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.CreateEncounterRequest, dev.hospital.v1.Encounter> getCreateEncounterMethod;
    if ((getCreateEncounterMethod = EncountersGrpc.getCreateEncounterMethod) == null) {
      synchronized (EncountersGrpc.class) {
        if ((getCreateEncounterMethod = EncountersGrpc.getCreateEncounterMethod) == null) {
          EncountersGrpc.getCreateEncounterMethod = getCreateEncounterMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.CreateEncounterRequest, dev.hospital.v1.Encounter>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateEncounter"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.CreateEncounterRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.Encounter.getDefaultInstance()))
              .setSchemaDescriptor(new EncountersMethodDescriptorSupplier("CreateEncounter"))
              .build();
        }
      }
    }
    return getCreateEncounterMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.UpdateEncounterRequest,
      dev.hospital.v1.Encounter> getUpdateEncounterMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateEncounter",
      requestType = dev.hospital.v1.UpdateEncounterRequest.class,
      responseType = dev.hospital.v1.Encounter.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.UpdateEncounterRequest,
      dev.hospital.v1.Encounter> getUpdateEncounterMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.UpdateEncounterRequest, dev.hospital.v1.Encounter> getUpdateEncounterMethod;
    if ((getUpdateEncounterMethod = EncountersGrpc.getUpdateEncounterMethod) == null) {
      synchronized (EncountersGrpc.class) {
        if ((getUpdateEncounterMethod = EncountersGrpc.getUpdateEncounterMethod) == null) {
          EncountersGrpc.getUpdateEncounterMethod = getUpdateEncounterMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.UpdateEncounterRequest, dev.hospital.v1.Encounter>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateEncounter"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.UpdateEncounterRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.Encounter.getDefaultInstance()))
              .setSchemaDescriptor(new EncountersMethodDescriptorSupplier("UpdateEncounter"))
              .build();
        }
      }
    }
    return getUpdateEncounterMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.DeleteEncounterRequest,
      com.google.protobuf.Empty> getDeleteEncounterMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteEncounter",
      requestType = dev.hospital.v1.DeleteEncounterRequest.class,
      responseType = com.google.protobuf.Empty.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.DeleteEncounterRequest,
      com.google.protobuf.Empty> getDeleteEncounterMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.DeleteEncounterRequest, com.google.protobuf.Empty> getDeleteEncounterMethod;
    if ((getDeleteEncounterMethod = EncountersGrpc.getDeleteEncounterMethod) == null) {
      synchronized (EncountersGrpc.class) {
        if ((getDeleteEncounterMethod = EncountersGrpc.getDeleteEncounterMethod) == null) {
          EncountersGrpc.getDeleteEncounterMethod = getDeleteEncounterMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.DeleteEncounterRequest, com.google.protobuf.Empty>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteEncounter"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.DeleteEncounterRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.google.protobuf.Empty.getDefaultInstance()))
              .setSchemaDescriptor(new EncountersMethodDescriptorSupplier("DeleteEncounter"))
              .build();
        }
      }
    }
    return getDeleteEncounterMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static EncountersStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EncountersStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EncountersStub>() {
        @java.lang.Override
        public EncountersStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EncountersStub(channel, callOptions);
        }
      };
    return EncountersStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static EncountersBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EncountersBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EncountersBlockingV2Stub>() {
        @java.lang.Override
        public EncountersBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EncountersBlockingV2Stub(channel, callOptions);
        }
      };
    return EncountersBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static EncountersBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EncountersBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EncountersBlockingStub>() {
        @java.lang.Override
        public EncountersBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EncountersBlockingStub(channel, callOptions);
        }
      };
    return EncountersBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static EncountersFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EncountersFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EncountersFutureStub>() {
        @java.lang.Override
        public EncountersFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EncountersFutureStub(channel, callOptions);
        }
      };
    return EncountersFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * The encounters of patients.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Gets an encounter.
     * </pre>
     */
    default void getEncounter(dev.hospital.v1.GetEncounterRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Encounter> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetEncounterMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the encounters of a patient by ascending encounter id.
     * </pre>
     */
    default void listEncounters(dev.hospital.v1.ListEncountersRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.ListEncountersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListEncountersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates an encounter.
     * </pre>
     */
    default void createEncounter(dev.hospital.v1.CreateEncounterRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Encounter> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateEncounterMethod(), responseObserver);
    }

    /**
     * <pre>
     * Updates fields of an encounter.
     * </pre>
     */
    default void updateEncounter(dev.hospital.v1.UpdateEncounterRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Encounter> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateEncounterMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes an encounter.
     * </pre>
     */
    default void deleteEncounter(dev.hospital.v1.DeleteEncounterRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteEncounterMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service Encounters.
   * <pre>
   * The encounters of patients.
   * </pre>
   */
  public static abstract class EncountersImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return EncountersGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service Encounters.
   * <pre>
   * The encounters of patients.
   * </pre>
   */
  public static final class EncountersStub
      extends io.grpc.stub.AbstractAsyncStub<EncountersStub> {
    private EncountersStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EncountersStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EncountersStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets an encounter.
     * </pre>
     */
    public void getEncounter(dev.hospital.v1.GetEncounterRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Encounter> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetEncounterMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the encounters of a patient by ascending encounter id.
     * </pre>
     */
    public void listEncounters(dev.hospital.v1.ListEncountersRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.ListEncountersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListEncountersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates an encounter.
     * </pre>
     */
    public void createEncounter(dev.hospital.v1.CreateEncounterRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Encounter> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateEncounterMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Updates fields of an encounter.
     * </pre>
     */
    public void updateEncounter(dev.hospital.v1.UpdateEncounterRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Encounter> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateEncounterMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes an encounter.
     * </pre>
     */
    public void deleteEncounter(dev.hospital.v1.DeleteEncounterRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteEncounterMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service Encounters.
   * <pre>
   * The encounters of patients.
   * </pre>
   */
  public static final class EncountersBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<EncountersBlockingV2Stub> {
    private EncountersBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EncountersBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EncountersBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets an encounter.
     * </pre>
     */
    public dev.hospital.v1.Encounter getEncounter(dev.hospital.v1.GetEncounterRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetEncounterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the encounters of a patient by ascending encounter id.
     * </pre>
     */
    public dev.hospital.v1.ListEncountersResponse listEncounters(dev.hospital.v1.ListEncountersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListEncountersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates an encounter.
     * </pre>
     */
    public dev.hospital.v1.Encounter createEncounter(dev.hospital.v1.CreateEncounterRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateEncounterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates fields of an encounter.
     * </pre>
     */
    public dev.hospital.v1.Encounter updateEncounter(dev.hospital.v1.UpdateEncounterRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateEncounterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes an encounter.
     * </pre>
     */
    public com.google.protobuf.Empty deleteEncounter(dev.hospital.v1.DeleteEncounterRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteEncounterMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service Encounters.
   * <pre>
   * The encounters of patients.
   * </pre>
   */
  public static final class EncountersBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<EncountersBlockingStub> {
    private EncountersBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EncountersBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EncountersBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets an encounter.
     * </pre>
     */
    public dev.hospital.v1.Encounter getEncounter(dev.hospital.v1.GetEncounterRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetEncounterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the encounters of a patient by ascending encounter id.
     * </pre>
     */
    public dev.hospital.v1.ListEncountersResponse listEncounters(dev.hospital.v1.ListEncountersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListEncountersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates an encounter.
     * </pre>
     */
    public dev.hospital.v1.Encounter createEncounter(dev.hospital.v1.CreateEncounterRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateEncounterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates fields of an encounter.
     * </pre>
     */
    public dev.hospital.v1.Encounter updateEncounter(dev.hospital.v1.UpdateEncounterRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateEncounterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes an encounter.
     * </pre>
     */
    public com.google.protobuf.Empty deleteEncounter(dev.hospital.v1.DeleteEncounterRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteEncounterMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service Encounters.
   * <pre>
   * The encounters of patients.
   * </pre>
   */
  public static final class EncountersFutureStub
      extends io.grpc.stub.AbstractFutureStub<EncountersFutureStub> {
    private EncountersFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EncountersFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EncountersFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets an encounter.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.hospital.v1.Encounter> getEncounter(
        dev.hospital.v1.GetEncounterRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetEncounterMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the encounters of a patient by ascending encounter id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.hospital.v1.ListEncountersResponse> listEncounters(
        dev.hospital.v1.ListEncountersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListEncountersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates an encounter.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.hospital.v1.Encounter> createEncounter(
        dev.hospital.v1.CreateEncounterRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateEncounterMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Updates fields of an encounter.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.hospital.v1.Encounter> updateEncounter(
        dev.hospital.v1.UpdateEncounterRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateEncounterMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes an encounter.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.google.protobuf.Empty> deleteEncounter(
        dev.hospital.v1.DeleteEncounterRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteEncounterMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_ENCOUNTER = 0;
  private static final int METHODID_LIST_ENCOUNTERS = 1;
  private static final int METHODID_CREATE_ENCOUNTER = 2;
  private static final int METHODID_UPDATE_ENCOUNTER = 3;
  private static final int METHODID_DELETE_ENCOUNTER = 4;

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
        case METHODID_GET_ENCOUNTER:
          serviceImpl.getEncounter((dev.hospital.v1.GetEncounterRequest) request,
              (io.grpc.stub.StreamObserver<dev.hospital.v1.Encounter>) responseObserver);
          break;
        case METHODID_LIST_ENCOUNTERS:
          serviceImpl.listEncounters((dev.hospital.v1.ListEncountersRequest) request,
              (io.grpc.stub.StreamObserver<dev.hospital.v1.ListEncountersResponse>) responseObserver);
          break;
        case METHODID_CREATE_ENCOUNTER:
          serviceImpl.createEncounter((dev.hospital.v1.CreateEncounterRequest) request,
              (io.grpc.stub.StreamObserver<dev.hospital.v1.Encounter>) responseObserver);
          break;
        case METHODID_UPDATE_ENCOUNTER:
          serviceImpl.updateEncounter((dev.hospital.v1.UpdateEncounterRequest) request,
              (io.grpc.stub.StreamObserver<dev.hospital.v1.Encounter>) responseObserver);
          break;
        case METHODID_DELETE_ENCOUNTER:
          serviceImpl.deleteEncounter((dev.hospital.v1.DeleteEncounterRequest) request,
              (io.grpc.stub.StreamObserver<com.google.protobuf.Empty>) responseObserver);
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
          getGetEncounterMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.GetEncounterRequest,
              dev.hospital.v1.Encounter>(
                service, METHODID_GET_ENCOUNTER)))
        .addMethod(
          getListEncountersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.ListEncountersRequest,
              dev.hospital.v1.ListEncountersResponse>(
                service, METHODID_LIST_ENCOUNTERS)))
        .addMethod(
          getCreateEncounterMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.CreateEncounterRequest,
              dev.hospital.v1.Encounter>(
                service, METHODID_CREATE_ENCOUNTER)))
        .addMethod(
          getUpdateEncounterMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.UpdateEncounterRequest,
              dev.hospital.v1.Encounter>(
                service, METHODID_UPDATE_ENCOUNTER)))
        .addMethod(
          getDeleteEncounterMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.DeleteEncounterRequest,
              com.google.protobuf.Empty>(
                service, METHODID_DELETE_ENCOUNTER)))
        .build();
  }

  private static abstract class EncountersBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    EncountersBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.hospital.v1.EncountersProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("Encounters");
    }
  }

  private static final class EncountersFileDescriptorSupplier
      extends EncountersBaseDescriptorSupplier {
    EncountersFileDescriptorSupplier() {}
  }

  private static final class EncountersMethodDescriptorSupplier
      extends EncountersBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    EncountersMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (EncountersGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new EncountersFileDescriptorSupplier())
              .addMethod(getGetEncounterMethod())
              .addMethod(getListEncountersMethod())
              .addMethod(getCreateEncounterMethod())
              .addMethod(getUpdateEncounterMethod())
              .addMethod(getDeleteEncounterMethod())
              .build();
        }
      }
    }
    return result;
  }
}
