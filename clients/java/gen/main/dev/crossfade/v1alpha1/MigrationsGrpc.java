package dev.crossfade.v1alpha1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Shows and steers the move of resources from the source to the target.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class MigrationsGrpc {

  private MigrationsGrpc() {}

  public static final java.lang.String SERVICE_NAME = "crossfade.v1alpha1.Migrations";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.GetMigrationRequest,
      dev.crossfade.v1alpha1.Migration> getGetMigrationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetMigration",
      requestType = dev.crossfade.v1alpha1.GetMigrationRequest.class,
      responseType = dev.crossfade.v1alpha1.Migration.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.GetMigrationRequest,
      dev.crossfade.v1alpha1.Migration> getGetMigrationMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.GetMigrationRequest, dev.crossfade.v1alpha1.Migration> getGetMigrationMethod;
    if ((getGetMigrationMethod = MigrationsGrpc.getGetMigrationMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getGetMigrationMethod = MigrationsGrpc.getGetMigrationMethod) == null) {
          MigrationsGrpc.getGetMigrationMethod = getGetMigrationMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.GetMigrationRequest, dev.crossfade.v1alpha1.Migration>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetMigration"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.GetMigrationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.Migration.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("GetMigration"))
              .build();
        }
      }
    }
    return getGetMigrationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ListMigrationsRequest,
      dev.crossfade.v1alpha1.ListMigrationsResponse> getListMigrationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListMigrations",
      requestType = dev.crossfade.v1alpha1.ListMigrationsRequest.class,
      responseType = dev.crossfade.v1alpha1.ListMigrationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ListMigrationsRequest,
      dev.crossfade.v1alpha1.ListMigrationsResponse> getListMigrationsMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ListMigrationsRequest, dev.crossfade.v1alpha1.ListMigrationsResponse> getListMigrationsMethod;
    if ((getListMigrationsMethod = MigrationsGrpc.getListMigrationsMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getListMigrationsMethod = MigrationsGrpc.getListMigrationsMethod) == null) {
          MigrationsGrpc.getListMigrationsMethod = getListMigrationsMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.ListMigrationsRequest, dev.crossfade.v1alpha1.ListMigrationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListMigrations"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.ListMigrationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.ListMigrationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("ListMigrations"))
              .build();
        }
      }
    }
    return getListMigrationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.WatchMigrationRequest,
      dev.crossfade.v1alpha1.WatchMigrationResponse> getWatchMigrationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchMigration",
      requestType = dev.crossfade.v1alpha1.WatchMigrationRequest.class,
      responseType = dev.crossfade.v1alpha1.WatchMigrationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.WatchMigrationRequest,
      dev.crossfade.v1alpha1.WatchMigrationResponse> getWatchMigrationMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.WatchMigrationRequest, dev.crossfade.v1alpha1.WatchMigrationResponse> getWatchMigrationMethod;
    if ((getWatchMigrationMethod = MigrationsGrpc.getWatchMigrationMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getWatchMigrationMethod = MigrationsGrpc.getWatchMigrationMethod) == null) {
          MigrationsGrpc.getWatchMigrationMethod = getWatchMigrationMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.WatchMigrationRequest, dev.crossfade.v1alpha1.WatchMigrationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchMigration"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.WatchMigrationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.WatchMigrationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("WatchMigration"))
              .build();
        }
      }
    }
    return getWatchMigrationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ListTransitionsRequest,
      dev.crossfade.v1alpha1.ListTransitionsResponse> getListTransitionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListTransitions",
      requestType = dev.crossfade.v1alpha1.ListTransitionsRequest.class,
      responseType = dev.crossfade.v1alpha1.ListTransitionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ListTransitionsRequest,
      dev.crossfade.v1alpha1.ListTransitionsResponse> getListTransitionsMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ListTransitionsRequest, dev.crossfade.v1alpha1.ListTransitionsResponse> getListTransitionsMethod;
    if ((getListTransitionsMethod = MigrationsGrpc.getListTransitionsMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getListTransitionsMethod = MigrationsGrpc.getListTransitionsMethod) == null) {
          MigrationsGrpc.getListTransitionsMethod = getListTransitionsMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.ListTransitionsRequest, dev.crossfade.v1alpha1.ListTransitionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListTransitions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.ListTransitionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.ListTransitionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("ListTransitions"))
              .build();
        }
      }
    }
    return getListTransitionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.StartBackfillRequest,
      com.google.longrunning.Operation> getStartBackfillMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StartBackfill",
      requestType = dev.crossfade.v1alpha1.StartBackfillRequest.class,
      responseType = com.google.longrunning.Operation.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.StartBackfillRequest,
      com.google.longrunning.Operation> getStartBackfillMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.StartBackfillRequest, com.google.longrunning.Operation> getStartBackfillMethod;
    if ((getStartBackfillMethod = MigrationsGrpc.getStartBackfillMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getStartBackfillMethod = MigrationsGrpc.getStartBackfillMethod) == null) {
          MigrationsGrpc.getStartBackfillMethod = getStartBackfillMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.StartBackfillRequest, com.google.longrunning.Operation>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StartBackfill"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.StartBackfillRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.google.longrunning.Operation.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("StartBackfill"))
              .build();
        }
      }
    }
    return getStartBackfillMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.StartVerificationRequest,
      com.google.longrunning.Operation> getStartVerificationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StartVerification",
      requestType = dev.crossfade.v1alpha1.StartVerificationRequest.class,
      responseType = com.google.longrunning.Operation.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.StartVerificationRequest,
      com.google.longrunning.Operation> getStartVerificationMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.StartVerificationRequest, com.google.longrunning.Operation> getStartVerificationMethod;
    if ((getStartVerificationMethod = MigrationsGrpc.getStartVerificationMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getStartVerificationMethod = MigrationsGrpc.getStartVerificationMethod) == null) {
          MigrationsGrpc.getStartVerificationMethod = getStartVerificationMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.StartVerificationRequest, com.google.longrunning.Operation>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StartVerification"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.StartVerificationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.google.longrunning.Operation.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("StartVerification"))
              .build();
        }
      }
    }
    return getStartVerificationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ThrottleOperationRequest,
      dev.crossfade.v1alpha1.ThrottleOperationResponse> getThrottleOperationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ThrottleOperation",
      requestType = dev.crossfade.v1alpha1.ThrottleOperationRequest.class,
      responseType = dev.crossfade.v1alpha1.ThrottleOperationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ThrottleOperationRequest,
      dev.crossfade.v1alpha1.ThrottleOperationResponse> getThrottleOperationMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ThrottleOperationRequest, dev.crossfade.v1alpha1.ThrottleOperationResponse> getThrottleOperationMethod;
    if ((getThrottleOperationMethod = MigrationsGrpc.getThrottleOperationMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getThrottleOperationMethod = MigrationsGrpc.getThrottleOperationMethod) == null) {
          MigrationsGrpc.getThrottleOperationMethod = getThrottleOperationMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.ThrottleOperationRequest, dev.crossfade.v1alpha1.ThrottleOperationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ThrottleOperation"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.ThrottleOperationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.ThrottleOperationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("ThrottleOperation"))
              .build();
        }
      }
    }
    return getThrottleOperationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ListMismatchesRequest,
      dev.crossfade.v1alpha1.ListMismatchesResponse> getListMismatchesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListMismatches",
      requestType = dev.crossfade.v1alpha1.ListMismatchesRequest.class,
      responseType = dev.crossfade.v1alpha1.ListMismatchesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ListMismatchesRequest,
      dev.crossfade.v1alpha1.ListMismatchesResponse> getListMismatchesMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.ListMismatchesRequest, dev.crossfade.v1alpha1.ListMismatchesResponse> getListMismatchesMethod;
    if ((getListMismatchesMethod = MigrationsGrpc.getListMismatchesMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getListMismatchesMethod = MigrationsGrpc.getListMismatchesMethod) == null) {
          MigrationsGrpc.getListMismatchesMethod = getListMismatchesMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.ListMismatchesRequest, dev.crossfade.v1alpha1.ListMismatchesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListMismatches"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.ListMismatchesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.ListMismatchesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("ListMismatches"))
              .build();
        }
      }
    }
    return getListMismatchesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.RepairMismatchesRequest,
      dev.crossfade.v1alpha1.RepairMismatchesResponse> getRepairMismatchesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RepairMismatches",
      requestType = dev.crossfade.v1alpha1.RepairMismatchesRequest.class,
      responseType = dev.crossfade.v1alpha1.RepairMismatchesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.RepairMismatchesRequest,
      dev.crossfade.v1alpha1.RepairMismatchesResponse> getRepairMismatchesMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.RepairMismatchesRequest, dev.crossfade.v1alpha1.RepairMismatchesResponse> getRepairMismatchesMethod;
    if ((getRepairMismatchesMethod = MigrationsGrpc.getRepairMismatchesMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getRepairMismatchesMethod = MigrationsGrpc.getRepairMismatchesMethod) == null) {
          MigrationsGrpc.getRepairMismatchesMethod = getRepairMismatchesMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.RepairMismatchesRequest, dev.crossfade.v1alpha1.RepairMismatchesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RepairMismatches"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.RepairMismatchesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.RepairMismatchesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("RepairMismatches"))
              .build();
        }
      }
    }
    return getRepairMismatchesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.DecommissionMigrationRequest,
      dev.crossfade.v1alpha1.Migration> getDecommissionMigrationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DecommissionMigration",
      requestType = dev.crossfade.v1alpha1.DecommissionMigrationRequest.class,
      responseType = dev.crossfade.v1alpha1.Migration.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.DecommissionMigrationRequest,
      dev.crossfade.v1alpha1.Migration> getDecommissionMigrationMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.DecommissionMigrationRequest, dev.crossfade.v1alpha1.Migration> getDecommissionMigrationMethod;
    if ((getDecommissionMigrationMethod = MigrationsGrpc.getDecommissionMigrationMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getDecommissionMigrationMethod = MigrationsGrpc.getDecommissionMigrationMethod) == null) {
          MigrationsGrpc.getDecommissionMigrationMethod = getDecommissionMigrationMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.DecommissionMigrationRequest, dev.crossfade.v1alpha1.Migration>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DecommissionMigration"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.DecommissionMigrationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.Migration.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("DecommissionMigration"))
              .build();
        }
      }
    }
    return getDecommissionMigrationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.FenceSourceRequest,
      dev.crossfade.v1alpha1.Migration> getFenceSourceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "FenceSource",
      requestType = dev.crossfade.v1alpha1.FenceSourceRequest.class,
      responseType = dev.crossfade.v1alpha1.Migration.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.FenceSourceRequest,
      dev.crossfade.v1alpha1.Migration> getFenceSourceMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.FenceSourceRequest, dev.crossfade.v1alpha1.Migration> getFenceSourceMethod;
    if ((getFenceSourceMethod = MigrationsGrpc.getFenceSourceMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getFenceSourceMethod = MigrationsGrpc.getFenceSourceMethod) == null) {
          MigrationsGrpc.getFenceSourceMethod = getFenceSourceMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.FenceSourceRequest, dev.crossfade.v1alpha1.Migration>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "FenceSource"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.FenceSourceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.Migration.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("FenceSource"))
              .build();
        }
      }
    }
    return getFenceSourceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.UnfenceSourceRequest,
      dev.crossfade.v1alpha1.Migration> getUnfenceSourceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UnfenceSource",
      requestType = dev.crossfade.v1alpha1.UnfenceSourceRequest.class,
      responseType = dev.crossfade.v1alpha1.Migration.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.UnfenceSourceRequest,
      dev.crossfade.v1alpha1.Migration> getUnfenceSourceMethod() {
    io.grpc.MethodDescriptor<dev.crossfade.v1alpha1.UnfenceSourceRequest, dev.crossfade.v1alpha1.Migration> getUnfenceSourceMethod;
    if ((getUnfenceSourceMethod = MigrationsGrpc.getUnfenceSourceMethod) == null) {
      synchronized (MigrationsGrpc.class) {
        if ((getUnfenceSourceMethod = MigrationsGrpc.getUnfenceSourceMethod) == null) {
          MigrationsGrpc.getUnfenceSourceMethod = getUnfenceSourceMethod =
              io.grpc.MethodDescriptor.<dev.crossfade.v1alpha1.UnfenceSourceRequest, dev.crossfade.v1alpha1.Migration>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UnfenceSource"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.UnfenceSourceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.crossfade.v1alpha1.Migration.getDefaultInstance()))
              .setSchemaDescriptor(new MigrationsMethodDescriptorSupplier("UnfenceSource"))
              .build();
        }
      }
    }
    return getUnfenceSourceMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static MigrationsStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MigrationsStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MigrationsStub>() {
        @java.lang.Override
        public MigrationsStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MigrationsStub(channel, callOptions);
        }
      };
    return MigrationsStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static MigrationsBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MigrationsBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MigrationsBlockingV2Stub>() {
        @java.lang.Override
        public MigrationsBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MigrationsBlockingV2Stub(channel, callOptions);
        }
      };
    return MigrationsBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static MigrationsBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MigrationsBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MigrationsBlockingStub>() {
        @java.lang.Override
        public MigrationsBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MigrationsBlockingStub(channel, callOptions);
        }
      };
    return MigrationsBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static MigrationsFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MigrationsFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MigrationsFutureStub>() {
        @java.lang.Override
        public MigrationsFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MigrationsFutureStub(channel, callOptions);
        }
      };
    return MigrationsFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Shows and steers the move of resources from the source to the target.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Returns the state of one resource's migration.
     * </pre>
     */
    default void getMigration(dev.crossfade.v1alpha1.GetMigrationRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetMigrationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the migrations of all served resources, in the order of their ids.
     * </pre>
     */
    default void listMigrations(dev.crossfade.v1alpha1.ListMigrationsRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ListMigrationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListMigrationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams a migration's state: once at the start, then at every change and at least once per interval.
     * </pre>
     */
    default void watchMigration(dev.crossfade.v1alpha1.WatchMigrationRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.WatchMigrationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchMigrationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the changes of the control record, newest first.
     * </pre>
     */
    default void listTransitions(dev.crossfade.v1alpha1.ListTransitionsRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ListTransitionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListTransitionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Starts a bulk copy of all records to the follower, or returns the one that runs. The controller starts one by itself where a
     * phase asks for it. Answers FAILED_PRECONDITION unless the follower is syncing.
     * </pre>
     */
    default void startBackfill(dev.crossfade.v1alpha1.StartBackfillRequest request,
        io.grpc.stub.StreamObserver<com.google.longrunning.Operation> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStartBackfillMethod(), responseObserver);
    }

    /**
     * <pre>
     * Starts a comparison of all records, both ways, or returns the one that runs. The controller starts one by itself when the
     * follower has joined. Answers FAILED_PRECONDITION unless the follower is in sync.
     * </pre>
     */
    default void startVerification(dev.crossfade.v1alpha1.StartVerificationRequest request,
        io.grpc.stub.StreamObserver<com.google.longrunning.Operation> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStartVerificationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes how fast the job of an operation may go. Answers FAILED_PRECONDITION when it has ended.
     * </pre>
     */
    default void throttleOperation(dev.crossfade.v1alpha1.ThrottleOperationRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ThrottleOperationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getThrottleOperationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the mismatches that verification or shadow reads found, open ones first.
     * </pre>
     */
    default void listMismatches(dev.crossfade.v1alpha1.ListMismatchesRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ListMismatchesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListMismatchesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Repairs open mismatches: each record is touched, so that the authority's content is applied again at a newer version.
     * </pre>
     */
    default void repairMismatches(dev.crossfade.v1alpha1.RepairMismatchesRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.RepairMismatchesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRepairMismatchesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Confirms that writing to the source may end: the one step that can't be taken back, so the phase flag alone does not take it.
     * Answers INVALID_ARGUMENT for a confirmation that is not the resource's id, FAILED_PRECONDITION unless the target is the
     * authority and the phase flag asks for `target-only`. The controller goes on by itself; nothing is dropped.
     * </pre>
     */
    default void decommissionMigration(dev.crossfade.v1alpha1.DecommissionMigrationRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDecommissionMigrationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Fences the source against programs that change it past the service: triggers on its table refuse their changes while authority
     * leaves the source and while it is away. A fence that stands is left as it is. Waits for transactions that use the table. Answers
     * FAILED_PRECONDITION, with the cure, when the service's user lacks a privilege or a trigger's name is taken.
     * </pre>
     */
    default void fenceSource(dev.crossfade.v1alpha1.FenceSourceRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getFenceSourceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Removes the fence of the source. Answers FAILED_PRECONDITION when the service's user lacks a privilege.
     * </pre>
     */
    default void unfenceSource(dev.crossfade.v1alpha1.UnfenceSourceRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUnfenceSourceMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service Migrations.
   * <pre>
   * Shows and steers the move of resources from the source to the target.
   * </pre>
   */
  public static abstract class MigrationsImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return MigrationsGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service Migrations.
   * <pre>
   * Shows and steers the move of resources from the source to the target.
   * </pre>
   */
  public static final class MigrationsStub
      extends io.grpc.stub.AbstractAsyncStub<MigrationsStub> {
    private MigrationsStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MigrationsStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MigrationsStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the state of one resource's migration.
     * </pre>
     */
    public void getMigration(dev.crossfade.v1alpha1.GetMigrationRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetMigrationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the migrations of all served resources, in the order of their ids.
     * </pre>
     */
    public void listMigrations(dev.crossfade.v1alpha1.ListMigrationsRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ListMigrationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListMigrationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams a migration's state: once at the start, then at every change and at least once per interval.
     * </pre>
     */
    public void watchMigration(dev.crossfade.v1alpha1.WatchMigrationRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.WatchMigrationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchMigrationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the changes of the control record, newest first.
     * </pre>
     */
    public void listTransitions(dev.crossfade.v1alpha1.ListTransitionsRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ListTransitionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListTransitionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Starts a bulk copy of all records to the follower, or returns the one that runs. The controller starts one by itself where a
     * phase asks for it. Answers FAILED_PRECONDITION unless the follower is syncing.
     * </pre>
     */
    public void startBackfill(dev.crossfade.v1alpha1.StartBackfillRequest request,
        io.grpc.stub.StreamObserver<com.google.longrunning.Operation> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getStartBackfillMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Starts a comparison of all records, both ways, or returns the one that runs. The controller starts one by itself when the
     * follower has joined. Answers FAILED_PRECONDITION unless the follower is in sync.
     * </pre>
     */
    public void startVerification(dev.crossfade.v1alpha1.StartVerificationRequest request,
        io.grpc.stub.StreamObserver<com.google.longrunning.Operation> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getStartVerificationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes how fast the job of an operation may go. Answers FAILED_PRECONDITION when it has ended.
     * </pre>
     */
    public void throttleOperation(dev.crossfade.v1alpha1.ThrottleOperationRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ThrottleOperationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getThrottleOperationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the mismatches that verification or shadow reads found, open ones first.
     * </pre>
     */
    public void listMismatches(dev.crossfade.v1alpha1.ListMismatchesRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ListMismatchesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListMismatchesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Repairs open mismatches: each record is touched, so that the authority's content is applied again at a newer version.
     * </pre>
     */
    public void repairMismatches(dev.crossfade.v1alpha1.RepairMismatchesRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.RepairMismatchesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRepairMismatchesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Confirms that writing to the source may end: the one step that can't be taken back, so the phase flag alone does not take it.
     * Answers INVALID_ARGUMENT for a confirmation that is not the resource's id, FAILED_PRECONDITION unless the target is the
     * authority and the phase flag asks for `target-only`. The controller goes on by itself; nothing is dropped.
     * </pre>
     */
    public void decommissionMigration(dev.crossfade.v1alpha1.DecommissionMigrationRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDecommissionMigrationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Fences the source against programs that change it past the service: triggers on its table refuse their changes while authority
     * leaves the source and while it is away. A fence that stands is left as it is. Waits for transactions that use the table. Answers
     * FAILED_PRECONDITION, with the cure, when the service's user lacks a privilege or a trigger's name is taken.
     * </pre>
     */
    public void fenceSource(dev.crossfade.v1alpha1.FenceSourceRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getFenceSourceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Removes the fence of the source. Answers FAILED_PRECONDITION when the service's user lacks a privilege.
     * </pre>
     */
    public void unfenceSource(dev.crossfade.v1alpha1.UnfenceSourceRequest request,
        io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUnfenceSourceMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service Migrations.
   * <pre>
   * Shows and steers the move of resources from the source to the target.
   * </pre>
   */
  public static final class MigrationsBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<MigrationsBlockingV2Stub> {
    private MigrationsBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MigrationsBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MigrationsBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the state of one resource's migration.
     * </pre>
     */
    public dev.crossfade.v1alpha1.Migration getMigration(dev.crossfade.v1alpha1.GetMigrationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetMigrationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the migrations of all served resources, in the order of their ids.
     * </pre>
     */
    public dev.crossfade.v1alpha1.ListMigrationsResponse listMigrations(dev.crossfade.v1alpha1.ListMigrationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListMigrationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a migration's state: once at the start, then at every change and at least once per interval.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.crossfade.v1alpha1.WatchMigrationResponse>
        watchMigration(dev.crossfade.v1alpha1.WatchMigrationRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchMigrationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the changes of the control record, newest first.
     * </pre>
     */
    public dev.crossfade.v1alpha1.ListTransitionsResponse listTransitions(dev.crossfade.v1alpha1.ListTransitionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListTransitionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Starts a bulk copy of all records to the follower, or returns the one that runs. The controller starts one by itself where a
     * phase asks for it. Answers FAILED_PRECONDITION unless the follower is syncing.
     * </pre>
     */
    public com.google.longrunning.Operation startBackfill(dev.crossfade.v1alpha1.StartBackfillRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getStartBackfillMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Starts a comparison of all records, both ways, or returns the one that runs. The controller starts one by itself when the
     * follower has joined. Answers FAILED_PRECONDITION unless the follower is in sync.
     * </pre>
     */
    public com.google.longrunning.Operation startVerification(dev.crossfade.v1alpha1.StartVerificationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getStartVerificationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes how fast the job of an operation may go. Answers FAILED_PRECONDITION when it has ended.
     * </pre>
     */
    public dev.crossfade.v1alpha1.ThrottleOperationResponse throttleOperation(dev.crossfade.v1alpha1.ThrottleOperationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getThrottleOperationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the mismatches that verification or shadow reads found, open ones first.
     * </pre>
     */
    public dev.crossfade.v1alpha1.ListMismatchesResponse listMismatches(dev.crossfade.v1alpha1.ListMismatchesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListMismatchesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Repairs open mismatches: each record is touched, so that the authority's content is applied again at a newer version.
     * </pre>
     */
    public dev.crossfade.v1alpha1.RepairMismatchesResponse repairMismatches(dev.crossfade.v1alpha1.RepairMismatchesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRepairMismatchesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Confirms that writing to the source may end: the one step that can't be taken back, so the phase flag alone does not take it.
     * Answers INVALID_ARGUMENT for a confirmation that is not the resource's id, FAILED_PRECONDITION unless the target is the
     * authority and the phase flag asks for `target-only`. The controller goes on by itself; nothing is dropped.
     * </pre>
     */
    public dev.crossfade.v1alpha1.Migration decommissionMigration(dev.crossfade.v1alpha1.DecommissionMigrationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDecommissionMigrationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Fences the source against programs that change it past the service: triggers on its table refuse their changes while authority
     * leaves the source and while it is away. A fence that stands is left as it is. Waits for transactions that use the table. Answers
     * FAILED_PRECONDITION, with the cure, when the service's user lacks a privilege or a trigger's name is taken.
     * </pre>
     */
    public dev.crossfade.v1alpha1.Migration fenceSource(dev.crossfade.v1alpha1.FenceSourceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getFenceSourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Removes the fence of the source. Answers FAILED_PRECONDITION when the service's user lacks a privilege.
     * </pre>
     */
    public dev.crossfade.v1alpha1.Migration unfenceSource(dev.crossfade.v1alpha1.UnfenceSourceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUnfenceSourceMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service Migrations.
   * <pre>
   * Shows and steers the move of resources from the source to the target.
   * </pre>
   */
  public static final class MigrationsBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<MigrationsBlockingStub> {
    private MigrationsBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MigrationsBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MigrationsBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the state of one resource's migration.
     * </pre>
     */
    public dev.crossfade.v1alpha1.Migration getMigration(dev.crossfade.v1alpha1.GetMigrationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetMigrationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the migrations of all served resources, in the order of their ids.
     * </pre>
     */
    public dev.crossfade.v1alpha1.ListMigrationsResponse listMigrations(dev.crossfade.v1alpha1.ListMigrationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListMigrationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a migration's state: once at the start, then at every change and at least once per interval.
     * </pre>
     */
    public java.util.Iterator<dev.crossfade.v1alpha1.WatchMigrationResponse> watchMigration(
        dev.crossfade.v1alpha1.WatchMigrationRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchMigrationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the changes of the control record, newest first.
     * </pre>
     */
    public dev.crossfade.v1alpha1.ListTransitionsResponse listTransitions(dev.crossfade.v1alpha1.ListTransitionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListTransitionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Starts a bulk copy of all records to the follower, or returns the one that runs. The controller starts one by itself where a
     * phase asks for it. Answers FAILED_PRECONDITION unless the follower is syncing.
     * </pre>
     */
    public com.google.longrunning.Operation startBackfill(dev.crossfade.v1alpha1.StartBackfillRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getStartBackfillMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Starts a comparison of all records, both ways, or returns the one that runs. The controller starts one by itself when the
     * follower has joined. Answers FAILED_PRECONDITION unless the follower is in sync.
     * </pre>
     */
    public com.google.longrunning.Operation startVerification(dev.crossfade.v1alpha1.StartVerificationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getStartVerificationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes how fast the job of an operation may go. Answers FAILED_PRECONDITION when it has ended.
     * </pre>
     */
    public dev.crossfade.v1alpha1.ThrottleOperationResponse throttleOperation(dev.crossfade.v1alpha1.ThrottleOperationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getThrottleOperationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the mismatches that verification or shadow reads found, open ones first.
     * </pre>
     */
    public dev.crossfade.v1alpha1.ListMismatchesResponse listMismatches(dev.crossfade.v1alpha1.ListMismatchesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListMismatchesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Repairs open mismatches: each record is touched, so that the authority's content is applied again at a newer version.
     * </pre>
     */
    public dev.crossfade.v1alpha1.RepairMismatchesResponse repairMismatches(dev.crossfade.v1alpha1.RepairMismatchesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRepairMismatchesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Confirms that writing to the source may end: the one step that can't be taken back, so the phase flag alone does not take it.
     * Answers INVALID_ARGUMENT for a confirmation that is not the resource's id, FAILED_PRECONDITION unless the target is the
     * authority and the phase flag asks for `target-only`. The controller goes on by itself; nothing is dropped.
     * </pre>
     */
    public dev.crossfade.v1alpha1.Migration decommissionMigration(dev.crossfade.v1alpha1.DecommissionMigrationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDecommissionMigrationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Fences the source against programs that change it past the service: triggers on its table refuse their changes while authority
     * leaves the source and while it is away. A fence that stands is left as it is. Waits for transactions that use the table. Answers
     * FAILED_PRECONDITION, with the cure, when the service's user lacks a privilege or a trigger's name is taken.
     * </pre>
     */
    public dev.crossfade.v1alpha1.Migration fenceSource(dev.crossfade.v1alpha1.FenceSourceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getFenceSourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Removes the fence of the source. Answers FAILED_PRECONDITION when the service's user lacks a privilege.
     * </pre>
     */
    public dev.crossfade.v1alpha1.Migration unfenceSource(dev.crossfade.v1alpha1.UnfenceSourceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUnfenceSourceMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service Migrations.
   * <pre>
   * Shows and steers the move of resources from the source to the target.
   * </pre>
   */
  public static final class MigrationsFutureStub
      extends io.grpc.stub.AbstractFutureStub<MigrationsFutureStub> {
    private MigrationsFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MigrationsFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MigrationsFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the state of one resource's migration.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.crossfade.v1alpha1.Migration> getMigration(
        dev.crossfade.v1alpha1.GetMigrationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetMigrationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the migrations of all served resources, in the order of their ids.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.crossfade.v1alpha1.ListMigrationsResponse> listMigrations(
        dev.crossfade.v1alpha1.ListMigrationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListMigrationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the changes of the control record, newest first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.crossfade.v1alpha1.ListTransitionsResponse> listTransitions(
        dev.crossfade.v1alpha1.ListTransitionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListTransitionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Starts a bulk copy of all records to the follower, or returns the one that runs. The controller starts one by itself where a
     * phase asks for it. Answers FAILED_PRECONDITION unless the follower is syncing.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.google.longrunning.Operation> startBackfill(
        dev.crossfade.v1alpha1.StartBackfillRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getStartBackfillMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Starts a comparison of all records, both ways, or returns the one that runs. The controller starts one by itself when the
     * follower has joined. Answers FAILED_PRECONDITION unless the follower is in sync.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.google.longrunning.Operation> startVerification(
        dev.crossfade.v1alpha1.StartVerificationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getStartVerificationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes how fast the job of an operation may go. Answers FAILED_PRECONDITION when it has ended.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.crossfade.v1alpha1.ThrottleOperationResponse> throttleOperation(
        dev.crossfade.v1alpha1.ThrottleOperationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getThrottleOperationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the mismatches that verification or shadow reads found, open ones first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.crossfade.v1alpha1.ListMismatchesResponse> listMismatches(
        dev.crossfade.v1alpha1.ListMismatchesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListMismatchesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Repairs open mismatches: each record is touched, so that the authority's content is applied again at a newer version.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.crossfade.v1alpha1.RepairMismatchesResponse> repairMismatches(
        dev.crossfade.v1alpha1.RepairMismatchesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRepairMismatchesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Confirms that writing to the source may end: the one step that can't be taken back, so the phase flag alone does not take it.
     * Answers INVALID_ARGUMENT for a confirmation that is not the resource's id, FAILED_PRECONDITION unless the target is the
     * authority and the phase flag asks for `target-only`. The controller goes on by itself; nothing is dropped.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.crossfade.v1alpha1.Migration> decommissionMigration(
        dev.crossfade.v1alpha1.DecommissionMigrationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDecommissionMigrationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Fences the source against programs that change it past the service: triggers on its table refuse their changes while authority
     * leaves the source and while it is away. A fence that stands is left as it is. Waits for transactions that use the table. Answers
     * FAILED_PRECONDITION, with the cure, when the service's user lacks a privilege or a trigger's name is taken.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.crossfade.v1alpha1.Migration> fenceSource(
        dev.crossfade.v1alpha1.FenceSourceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getFenceSourceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Removes the fence of the source. Answers FAILED_PRECONDITION when the service's user lacks a privilege.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.crossfade.v1alpha1.Migration> unfenceSource(
        dev.crossfade.v1alpha1.UnfenceSourceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUnfenceSourceMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_MIGRATION = 0;
  private static final int METHODID_LIST_MIGRATIONS = 1;
  private static final int METHODID_WATCH_MIGRATION = 2;
  private static final int METHODID_LIST_TRANSITIONS = 3;
  private static final int METHODID_START_BACKFILL = 4;
  private static final int METHODID_START_VERIFICATION = 5;
  private static final int METHODID_THROTTLE_OPERATION = 6;
  private static final int METHODID_LIST_MISMATCHES = 7;
  private static final int METHODID_REPAIR_MISMATCHES = 8;
  private static final int METHODID_DECOMMISSION_MIGRATION = 9;
  private static final int METHODID_FENCE_SOURCE = 10;
  private static final int METHODID_UNFENCE_SOURCE = 11;

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
        case METHODID_GET_MIGRATION:
          serviceImpl.getMigration((dev.crossfade.v1alpha1.GetMigrationRequest) request,
              (io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration>) responseObserver);
          break;
        case METHODID_LIST_MIGRATIONS:
          serviceImpl.listMigrations((dev.crossfade.v1alpha1.ListMigrationsRequest) request,
              (io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ListMigrationsResponse>) responseObserver);
          break;
        case METHODID_WATCH_MIGRATION:
          serviceImpl.watchMigration((dev.crossfade.v1alpha1.WatchMigrationRequest) request,
              (io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.WatchMigrationResponse>) responseObserver);
          break;
        case METHODID_LIST_TRANSITIONS:
          serviceImpl.listTransitions((dev.crossfade.v1alpha1.ListTransitionsRequest) request,
              (io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ListTransitionsResponse>) responseObserver);
          break;
        case METHODID_START_BACKFILL:
          serviceImpl.startBackfill((dev.crossfade.v1alpha1.StartBackfillRequest) request,
              (io.grpc.stub.StreamObserver<com.google.longrunning.Operation>) responseObserver);
          break;
        case METHODID_START_VERIFICATION:
          serviceImpl.startVerification((dev.crossfade.v1alpha1.StartVerificationRequest) request,
              (io.grpc.stub.StreamObserver<com.google.longrunning.Operation>) responseObserver);
          break;
        case METHODID_THROTTLE_OPERATION:
          serviceImpl.throttleOperation((dev.crossfade.v1alpha1.ThrottleOperationRequest) request,
              (io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ThrottleOperationResponse>) responseObserver);
          break;
        case METHODID_LIST_MISMATCHES:
          serviceImpl.listMismatches((dev.crossfade.v1alpha1.ListMismatchesRequest) request,
              (io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.ListMismatchesResponse>) responseObserver);
          break;
        case METHODID_REPAIR_MISMATCHES:
          serviceImpl.repairMismatches((dev.crossfade.v1alpha1.RepairMismatchesRequest) request,
              (io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.RepairMismatchesResponse>) responseObserver);
          break;
        case METHODID_DECOMMISSION_MIGRATION:
          serviceImpl.decommissionMigration((dev.crossfade.v1alpha1.DecommissionMigrationRequest) request,
              (io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration>) responseObserver);
          break;
        case METHODID_FENCE_SOURCE:
          serviceImpl.fenceSource((dev.crossfade.v1alpha1.FenceSourceRequest) request,
              (io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration>) responseObserver);
          break;
        case METHODID_UNFENCE_SOURCE:
          serviceImpl.unfenceSource((dev.crossfade.v1alpha1.UnfenceSourceRequest) request,
              (io.grpc.stub.StreamObserver<dev.crossfade.v1alpha1.Migration>) responseObserver);
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
          getGetMigrationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.GetMigrationRequest,
              dev.crossfade.v1alpha1.Migration>(
                service, METHODID_GET_MIGRATION)))
        .addMethod(
          getListMigrationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.ListMigrationsRequest,
              dev.crossfade.v1alpha1.ListMigrationsResponse>(
                service, METHODID_LIST_MIGRATIONS)))
        .addMethod(
          getWatchMigrationMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.WatchMigrationRequest,
              dev.crossfade.v1alpha1.WatchMigrationResponse>(
                service, METHODID_WATCH_MIGRATION)))
        .addMethod(
          getListTransitionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.ListTransitionsRequest,
              dev.crossfade.v1alpha1.ListTransitionsResponse>(
                service, METHODID_LIST_TRANSITIONS)))
        .addMethod(
          getStartBackfillMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.StartBackfillRequest,
              com.google.longrunning.Operation>(
                service, METHODID_START_BACKFILL)))
        .addMethod(
          getStartVerificationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.StartVerificationRequest,
              com.google.longrunning.Operation>(
                service, METHODID_START_VERIFICATION)))
        .addMethod(
          getThrottleOperationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.ThrottleOperationRequest,
              dev.crossfade.v1alpha1.ThrottleOperationResponse>(
                service, METHODID_THROTTLE_OPERATION)))
        .addMethod(
          getListMismatchesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.ListMismatchesRequest,
              dev.crossfade.v1alpha1.ListMismatchesResponse>(
                service, METHODID_LIST_MISMATCHES)))
        .addMethod(
          getRepairMismatchesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.RepairMismatchesRequest,
              dev.crossfade.v1alpha1.RepairMismatchesResponse>(
                service, METHODID_REPAIR_MISMATCHES)))
        .addMethod(
          getDecommissionMigrationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.DecommissionMigrationRequest,
              dev.crossfade.v1alpha1.Migration>(
                service, METHODID_DECOMMISSION_MIGRATION)))
        .addMethod(
          getFenceSourceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.FenceSourceRequest,
              dev.crossfade.v1alpha1.Migration>(
                service, METHODID_FENCE_SOURCE)))
        .addMethod(
          getUnfenceSourceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.crossfade.v1alpha1.UnfenceSourceRequest,
              dev.crossfade.v1alpha1.Migration>(
                service, METHODID_UNFENCE_SOURCE)))
        .build();
  }

  private static abstract class MigrationsBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    MigrationsBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.crossfade.v1alpha1.MigrationsProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("Migrations");
    }
  }

  private static final class MigrationsFileDescriptorSupplier
      extends MigrationsBaseDescriptorSupplier {
    MigrationsFileDescriptorSupplier() {}
  }

  private static final class MigrationsMethodDescriptorSupplier
      extends MigrationsBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    MigrationsMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (MigrationsGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new MigrationsFileDescriptorSupplier())
              .addMethod(getGetMigrationMethod())
              .addMethod(getListMigrationsMethod())
              .addMethod(getWatchMigrationMethod())
              .addMethod(getListTransitionsMethod())
              .addMethod(getStartBackfillMethod())
              .addMethod(getStartVerificationMethod())
              .addMethod(getThrottleOperationMethod())
              .addMethod(getListMismatchesMethod())
              .addMethod(getRepairMismatchesMethod())
              .addMethod(getDecommissionMigrationMethod())
              .addMethod(getFenceSourceMethod())
              .addMethod(getUnfenceSourceMethod())
              .build();
        }
      }
    }
    return result;
  }
}
